//! How long a clip of three minutes makes a person wait between a key and the picture that shows it.

use super::all;
use super::clip::{saved, word};
use super::common::desk::Desk;
use super::host::{Host, WORK, practice, say};
use super::page::{Page, key};

/// Notes of each key and click when the picture that shows it is ready: as the browser tells it (Event Timing, in steps of
/// 8 ms, nothing below 16), and as seen from the page; and every task that keeps the page from anything else for 50 ms.
const MEASURED: &str = "
    window.told = [];
    window.painted = [];
    window.long = [];
    new PerformanceObserver(list => list.getEntries().forEach(entry => {
        if (/^(keydown|keypress|input|pointerdown|click)$/.test(entry.name)) window.told.push(entry.duration);
    })).observe({ type: 'event', durationThreshold: 16, buffered: true });
    new PerformanceObserver(list => list.getEntries().forEach(entry => window.long.push(entry.duration)))
        .observe({ type: 'longtask' });
    const painted = event => requestAnimationFrame(() => {
        const after = new MessageChannel();
        after.port1.onmessage = () => window.painted.push(performance.now() - event.timeStamp);
        after.port2.postMessage(null);
    });
    addEventListener('keydown', painted, true);
    addEventListener('pointerdown', painted, true);";

/// Milliseconds that were noted since this was asked last, in order of size.
fn noted(page: &Page, what: &str) -> Vec<f64> {
    let noted = page.run(&format!("return window.{what}.splice(0)"), &[]);
    let mut noted: Vec<f64> = noted.as_array().unwrap().iter().map(|ms| ms.as_f64().unwrap()).collect();
    noted.sort_by(f64::total_cmp);
    noted
}

/// The value that so many of a hundred do not exceed.
fn percentile(sorted: &[f64], percent: usize) -> f64 {
    sorted.get((sorted.len() * percent).div_ceil(100).max(1) - 1).copied().unwrap_or(0.0)
}

#[test]
fn a_clip_of_six_hundred_words_stays_smooth() {
    if !all() {
        return;
    }
    let desk = Desk::new();
    practice(&desk, "[review]\nrequire = \"all\"\n");
    desk.drop_file("long.mp4", &desk.clip(180));
    let vocabulary = ["drink", "some", "water", "and", "rest", "for", "three", "days", "if", "it", "hurts"];
    let captions: Vec<String> = (0..150)
        .map(|n| (0..4).map(|i| vocabulary[(n * 4 + i) % vocabulary.len()]).collect::<Vec<_>>().join(" "))
        .collect();
    let captions: Vec<(f64, &str)> =
        captions.iter().enumerate().map(|(n, text)| (1.19 * n as f64 + 0.1, text.as_str())).collect();
    say(&desk, "long.mp4", &captions);
    let host = Host::given(&desk);
    let page = host.visit();
    page.before_each(MEASURED);
    host.open(&page, "long");
    page.wait_long("document.querySelectorAll('#rows .word').length === 600", WORK);
    page.wait_long("document.querySelector('#video').readyState >= 3", WORK);

    for playing in [false, true] {
        if playing {
            page.click("#play");
            page.wait("document.querySelector('.word.spoken')");
        }
        for what in ["told", "painted", "long"] {
            noted(&page, what);
        }
        // One key after the other, as fast as a person types.
        let typed = |keys: &str| {
            for key in keys.chars() {
                page.press(&key.to_string());
                std::thread::sleep(std::time::Duration::from_millis(60));
            }
        };
        page.click(&word(&page, "water", 20));
        typed(&key::RIGHT.to_string().repeat(10));
        page.press(&key::ENTER.to_string());
        page.see("input.edit");
        typed("paracetamol and a warm tea");
        typed(&key::ENTER.to_string());
        page.see_no("input.edit");
        for action in ["#split", "#join", "#undo", "#undo", "#redo"] {
            page.click(action);
        }
        let (told, painted, long) = (noted(&page, "told"), noted(&page, "painted"), noted(&page, "long"));
        let figures = |name: &str, ms: &[f64]| {
            let of = |percent| percentile(ms, percent);
            println!(
                "600 words, playing {playing}, {name}: {} noted, median {:.0}, 95th {:.0}, most {:.0} ms",
                ms.len(),
                of(50),
                of(95),
                of(100)
            );
        };
        figures("told by the browser from 16 ms up", &told);
        figures("seen by the page", &painted);
        figures("long tasks", &long);
        assert!(painted.len() >= 40, "{painted:?}");
        assert!(percentile(&painted, 95) < 50.0, "{painted:?}");
        assert!(percentile(&told, 95) < 50.0, "{told:?}");
        saved(&page);
    }
    // While it plays nothing is late for long.
    noted(&page, "long");
    let frames = page.promise(
        "const times = [];
         await new Promise(end => {
             const step = now => { times.push(now); times.length < 180 ? requestAnimationFrame(step) : end(); };
             requestAnimationFrame(step);
         });
         return times.slice(1).map((time, n) => time - times[n]).sort((a, b) => a - b)",
    );
    let frames: Vec<f64> = frames.as_array().unwrap().iter().map(|ms| ms.as_f64().unwrap()).collect();
    println!(
        "600 words, playing: frames of {:.1} ms, 95th {:.1}, most {:.1}",
        percentile(&frames, 50),
        percentile(&frames, 95),
        percentile(&frames, 100)
    );
    assert!(percentile(&frames, 95) < 50.0, "{frames:?}");
    page.assert_quiet();
}
