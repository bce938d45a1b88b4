//! Which cuts share a render: those whose recipes are equal.

use super::{ClipPlan, CutPlan, Mark, Recipe};
use crate::intake::Digest;
use std::path::PathBuf;

/// Version of everything that turns a recipe into bits. Raise it with each change that gives the same recipe another
/// picture or sound, so that nothing made before is taken for it.
pub const ENGINE: u32 = 6;

/// One unique encode and the cuts that it is for.
#[derive(Debug, Clone, PartialEq)]
pub struct Render<'a> {
    /// Key of the recipe.
    pub key: Digest,
    /// What to make.
    pub recipe: &'a Recipe,
    /// Whose files it becomes; not empty, in the plan's order.
    pub cuts: Vec<&'a CutPlan>,
}

/// The renders that a clip needs, in the order in which the plan first asks for them.
pub fn renders(plan: &ClipPlan) -> Vec<Render<'_>> {
    let mut renders: Vec<Render> = Vec::new();
    for cut in &plan.cuts {
        let key = cut.recipe.key();
        match renders.iter_mut().find(|render| render.key == key) {
            Some(render) => render.cuts.push(cut),
            None => renders.push(Render { key, recipe: &cut.recipe, cuts: vec![cut] }),
        }
    }
    renders
}

impl Recipe {
    /// What the render is known by: BLAKE3 of the recipe and the engine's version. Where a logo lies is left out: its
    /// digest says what it shows, and a practice's folder may move.
    pub fn key(&self) -> Digest {
        let placeless = |mark: &Mark| Mark { file: PathBuf::new(), ..mark.clone() };
        let recipe = Recipe { marks: self.marks.iter().map(placeless).collect(), ..self.clone() };
        // Only a path that is no Unicode could fail here, and none is left; the other text is as telling.
        let text = serde_json::to_string(&recipe).unwrap_or_else(|_| format!("{recipe:?}"));
        Digest(blake3::hash(format!("{ENGINE}\n{text}").as_bytes()).to_hex().to_string())
    }
}
