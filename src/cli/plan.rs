//! `housecall plan`: what would be made, and why something would be skipped.

use super::centre::{self, Task};
use super::run::{self, Models};
use super::{ALL_WELL, Batch, NO_START, SOME_FAILED};
use crate::centre::Site;
use crate::cuts::{self, ClipPlan, Placement};
use crate::fault::{Cancel, Fault};
use crate::pipeline::{self, Preview, Request};
use crate::report::Progress;
use crate::trace::Trace;
use serde::Serialize;
use std::io::IsTerminal;

/// Plans everything and renders nothing. With `--json` the plans themselves are printed, one clip a line.
pub fn plan(arguments: &Batch, cancel: &Cancel) -> Result<u8, Fault> {
    // Events would mix with the plans on stdout.
    let progress = Progress::new(false, std::io::stderr().is_terminal());
    let (trace, models) = (run::trace(arguments)?, Models::default());
    let plan = |site: &Site| plan_site(arguments, site, &models, &trace, &progress, cancel);
    let (centre, chosen) = match centre::task(arguments)? {
        Task::One(site) => return plan(&site),
        Task::Many { centre, chosen } => (centre, chosen),
    };
    let (mut worst, mut planned, mut refused) = (ALL_WELL, 0, 0);
    for stray in &centre.strays {
        eprintln!("{stray}.");
        worst = SOME_FAILED;
    }
    for site in &chosen {
        match plan(site) {
            Ok(code) => {
                planned += 1;
                worst = run::worse(worst, code);
            }
            Err(Fault::Cancelled) => return Err(Fault::Cancelled),
            Err(fault) => {
                refused += 1;
                eprintln!("{}: cannot be planned: {}. What to do: {}.", site.id, fault.what(), fault.advice());
            }
        }
    }
    Ok(match (planned, refused) {
        (_, 0) => worst,
        (0, _) => NO_START,
        _ => SOME_FAILED,
    })
}

/// A plan as `--json` prints it.
#[derive(Serialize)]
struct Line<'a> {
    #[serde(flatten)]
    plan: &'a ClipPlan,
    /// Its practice, where there are many.
    practice: &'a str,
}

/// One practice's plans.
fn plan_site(
    arguments: &Batch,
    site: &Site,
    models: &Models,
    trace: &Trace,
    progress: &Progress,
    cancel: &Cancel,
) -> Result<u8, Fault> {
    let request = Request { trace: trace.clone(), ..run::request_with(arguments, site, models, cancel, progress)? };
    let below = if site.id.is_empty() { String::new() } else { format!("{}/", site.id) };
    let json = |plan: &ClipPlan| match site.id.as_str() {
        "" => serde_json::to_string(plan),
        practice => serde_json::to_string(&Line { plan, practice }),
    };
    let mut code = ALL_WELL;
    let mut each = |preview: Preview| {
        // The line that tells of progress ends before the plan begins.
        progress.clear();
        match preview.plan {
            Ok(plan) if arguments.json => match json(&plan) {
                Ok(line) => data!(line),
                Err(e) => return Err(Fault::new(format!("the plan cannot be printed ({e})"), "report this")),
            },
            Ok(plan) => print_plan(&format!("{below}{}", preview.file), &plan),
            Err((stage, fault)) => {
                code = SOME_FAILED;
                eprintln!(
                    "{below}{}: cannot be planned, {}: {}. What to do: {}.",
                    preview.file,
                    stage.doing(),
                    fault.what(),
                    fault.advice()
                );
            }
        }
        Ok(())
    };
    let planned = pipeline::preview(&request, cancel, &|event| progress.tell(event), &mut each);
    progress.clear();
    planned?;
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
