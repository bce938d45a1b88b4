//! What a cluster does to its tasks, and what comes out of it: always what one computer makes.

use crate::centre::{CLIPS, Centre};
use crate::slurm::{self, Slurm};
use std::fs;
use std::time::{Duration, Instant};

/// Set to `all` by `make test-cluster`.
const LONG: &str = "HOUSECALL_CLUSTER";
/// How long a set may take on a busy computer.
const PATIENCE: Duration = Duration::from_secs(600);

fn is_long_form() -> bool {
    std::env::var(LONG).is_ok_and(|form| form == "all")
}

/// Whether Slurm is here. Where it is not, the long form fails, and the short one says that it was left out.
fn has_slurm(test: &str) -> bool {
    let Some(why) = slurm::missing() else { return true };
    assert!(!is_long_form(), "{why}");
    println!("NOT TRIED ON SLURM: {test}: {why}");
    false
}

/// Whether a task is at work on a node.
fn is_at_work(slurm: &Slurm, node: &str) -> bool {
    let scratch = fs::read_dir(slurm.scratch(node)).into_iter().flatten().flatten();
    scratch.into_iter().any(|entry| entry.path().join("cuts").is_dir())
}

#[test]
fn a_node_that_dies_in_mid_array_costs_nothing() {
    if has_slurm("a node that dies") {
        lose_a_node(false);
    }
}

#[test]
fn a_node_that_is_started_again_in_mid_array_costs_nothing() {
    if is_long_form() && has_slurm("a node that is started again") {
        lose_a_node(true);
    }
}

/// Kills a node with all that runs there, after which it stays away, so that the controller has to find out, or comes back
/// and knows nothing of its tasks.
fn lose_a_node(comes_back: bool) {
    let centre = Centre::new();
    let mut slurm = Slurm::start();
    let (watch, began) = (centre.watch(), Instant::now());
    let submitted = centre.submit(&slurm);
    assert_eq!(submitted["tasks"], CLIPS, "{submitted}");
    let arrays = CLIPS.div_ceil(slurm::MAX_ARRAY);
    assert_eq!(submitted["arrays"].as_array().unwrap().len(), arrays, "{submitted}");
    // What is in the queue is not submitted again.
    let again = centre.submit(&slurm);
    assert_eq!(again["tasks"], 0, "{again}");
    slurm.wait_for("task at work on n1", PATIENCE, |slurm| is_at_work(slurm, "n1"));
    slurm.kill_node("n1");
    match (comes_back, is_long_form()) {
        (true, _) => slurm.start_node("n1"),
        (false, true) => {}
        // It takes half a minute to find out.
        (false, false) => slurm.give_up("n1"),
    }
    slurm.wait_until_empty(PATIENCE);
    assert!(slurm.requeued() > 0, "no task was lost");
    println!("{CLIPS} tasks, of which some ran twice, and the last one took {:.1?}", began.elapsed());
    let logs = centre.logs();
    centre.assert_as_alone(&logs);
    centre.assert_always_whole(watch, "a node died");
    let nothing = centre.submit(&slurm);
    assert_eq!((&nothing["tasks"], &nothing["in_place"]), (&0.into(), &CLIPS.into()), "{nothing}");
}

#[test]
fn a_full_scratch_disk_fails_its_clips_with_a_reason_and_the_next_submit_makes_them() {
    if !is_long_form() || !has_slurm("a full scratch disk") {
        return;
    }
    if !slurm::can_mount() {
        println!("NOT TRIED ON SLURM: a full scratch disk: only root can mount a small one");
        return;
    }
    let centre = Centre::new();
    let mut slurm = Slurm::start();
    slurm.stop_node("n1");
    slurm.start_node_on_small_disk("n1", 64);
    slurm.wait_for("answer of n1", PATIENCE, |slurm| slurm.idle_nodes() == slurm::NODES.len());
    let watch = centre.watch();
    assert_eq!(centre.submit(&slurm)["tasks"], CLIPS);
    slurm.wait_until_empty(PATIENCE);
    let receipts = centre.receipts();
    let failed: Vec<&(String, Option<String>)> = receipts.iter().filter(|(_, why)| why.is_some()).collect();
    println!("{failed:?}");
    let missing = (1..=CLIPS).filter(|number| !centre.has(*number)).count();
    assert!(missing > 0 && missing < CLIPS, "{missing} are missing: {}", centre.logs());
    assert_eq!(failed.len(), missing, "{receipts:?}");
    for (clip, why) in failed {
        let why = why.as_ref().unwrap();
        assert!(why.contains("space") || why.contains("full"), "{clip}: {why}");
    }
    slurm.stop_node("n1");
    slurm.start_node("n1");
    let again = centre.submit(&slurm);
    assert_eq!(again["tasks"], missing, "{again}");
    slurm.wait_until_empty(PATIENCE);
    let logs = centre.logs();
    centre.assert_as_alone(&logs);
    centre.assert_always_whole(watch, "a disk was full");
}

#[test]
fn an_array_that_is_cancelled_is_taken_up_where_it_was() {
    if !is_long_form() || !has_slurm("an array that is cancelled") {
        return;
    }
    let centre = Centre::new();
    let slurm = Slurm::start();
    let watch = centre.watch();
    let submitted = centre.submit(&slurm);
    slurm.wait_for("delivered clip", PATIENCE, |_| !centre.receipts().is_empty());
    for array in submitted["arrays"].as_array().unwrap() {
        slurm.ask("scancel", &[array.as_str().unwrap()]);
    }
    // The last job puts into place what there is.
    slurm.wait_until_empty(PATIENCE);
    let missing = (1..=CLIPS).filter(|number| !centre.has(*number)).count();
    println!("{missing} of {CLIPS} clips were cancelled");
    assert!(missing > 0 && missing < CLIPS, "{missing} are missing: {}", centre.logs());
    let again = centre.submit(&slurm);
    assert_eq!((&again["tasks"], &again["in_place"]), (&missing.into(), &(CLIPS - missing).into()), "{again}");
    slurm.wait_until_empty(PATIENCE);
    let logs = centre.logs();
    centre.assert_as_alone(&logs);
    centre.assert_always_whole(watch, "an array was cancelled");
}
