//! `housecall plan`: what would be made, and why something would be skipped.

use super::{ALL_WELL, Batch, SOME_FAILED, run};
use crate::cuts::{self, ClipPlan, Placement};
use crate::fault::{Cancel, Fault};
use crate::pipeline::{self, Request};
use crate::report::Progress;
use std::io::IsTerminal;

/// Plans everything and renders nothing. With `--json` the plans themselves are printed, one clip a line.
pub fn plan(arguments: &Batch, cancel: &Cancel) -> Result<u8, Fault> {
    // Events would mix with the plans on stdout.
    let progress = Progress::new(false, std::io::stderr().is_terminal());
    let request = Request { trace: run::trace(arguments)?, ..run::request(arguments, cancel, &progress)? };
    let previews = pipeline::preview(&request, cancel, &|event| progress.tell(event));
    progress.clear();
    let mut code = ALL_WELL;
    for preview in previews? {
        match preview.plan {
            Ok(plan) if arguments.json => match serde_json::to_string(&plan) {
                Ok(line) => data!(line),
                Err(e) => return Err(Fault::new(format!("the plan cannot be printed ({e})"), "report this")),
            },
            Ok(plan) => print_plan(&preview.file, &plan),
            Err((stage, fault)) => {
                code = SOME_FAILED;
                eprintln!(
                    "{}: cannot be planned, {}: {}. What to do: {}.",
                    preview.file,
                    stage.doing(),
                    fault.what(),
                    fault.advice()
                );
            }
        }
    }
    Ok(code)
}

fn print_plan(file: &str, plan: &ClipPlan) {
    say!("{file}");
    for (number, render) in cuts::renders(plan).iter().enumerate() {
        let recipe = render.recipe;
        let how = match &recipe.placement {
            Placement::Fill { .. } => "cropped to fill",
            Placement::Follow { .. } => "cropped to fill, following the speaker",
            Placement::Fit { .. } => "whole, over a blurred background",
        };
        let clean = if recipe.script.is_none() { ", without captions and watermark" } else { "" };
        say!(
            "  render {}: {}, {:.4} fps, {}, {how}{clean}",
            number + 1,
            recipe.canvas,
            recipe.rate.fps(),
            recipe.duration()
        );
        for cut in &render.cuts {
            say!("    {}", cut.file.display());
        }
    }
    for skipped in &plan.skipped {
        say!("  no cut for {}: {}", skipped.platform, skipped.reason);
    }
    for note in &plan.notes {
        say!("  note: {note}");
    }
}
