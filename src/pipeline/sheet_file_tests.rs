#![allow(clippy::unwrap_used)]
use super::*;
use crate::pipeline::event::Stage;
use std::time::SystemTime;

/// An output folder of clips that were made.
struct Made {
    folder: tempfile::TempDir,
    store: Store,
}

impl Made {
    fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let store = Store::new(folder.path().join(".housecall/cache"));
        Made { folder, store }
    }

    /// Keeps what was made of a clip, and what was noted about it.
    fn keep(&self, name: &str, note: &str) -> ClipBrief {
        let made = ClipReport {
            notes: vec![note.to_string()],
            ..ClipReport::bare(name, &format!("{name}.mp4"), ClipState::Done)
        };
        self.store.put("clip", name, &made).unwrap();
        self.store.get("clip", name).unwrap()
    }

    fn write(&self, clips: &[ClipBrief]) {
        let about = About { practice: "Alder".into(), platforms: BTreeMap::new() };
        write(&self.store, self.folder.path(), &about, clips.iter().collect()).unwrap().unwrap();
    }

    fn path(&self, file: &str) -> PathBuf {
        self.folder.path().join(file)
    }

    fn text(&self, file: &str) -> String {
        fs::read_to_string(self.path(file)).unwrap()
    }

    fn pages(&self) -> Vec<String> {
        let files = fs::read_dir(self.path(FOLDER)).into_iter().flatten();
        let mut names: Vec<String> = files.map(|file| file.unwrap().file_name().into_string().unwrap()).collect();
        names.sort();
        names
    }

    /// The files that are written anew by what happens in `change`.
    fn written(&self, change: impl FnOnce()) -> Vec<String> {
        let files: Vec<String> = self.pages().into_iter().map(|name| format!("report/{name}")).collect();
        let files: Vec<String> = files.into_iter().chain(["report.html".to_string()]).collect();
        for file in &files {
            let handle = fs::File::options().write(true).open(self.path(file)).unwrap();
            handle.set_modified(SystemTime::UNIX_EPOCH).unwrap();
        }
        change();
        let is_new = |file: &String| {
            fs::metadata(self.path(file)).is_ok_and(|about| about.modified().unwrap() != SystemTime::UNIX_EPOCH)
        };
        files.into_iter().filter(is_new).collect()
    }
}

/// Whatever was made before, the same as it is told of by a run that finds it in its place.
fn unchanged(clips: &[ClipBrief]) -> Vec<ClipBrief> {
    let told = |clip: &ClipBrief| {
        let mut clip = clip.clone();
        clip.state = ClipState::Unchanged;
        clip
    };
    clips.iter().map(told).collect()
}

#[test]
fn many_clips_stand_on_pages_of_which_only_those_are_written_that_have_news() {
    let made = Made::new();
    let mut clips: Vec<ClipBrief> = (0..250).map(|n| made.keep(&format!("c{n:03}"), "as it was")).collect();
    made.write(&clips);
    assert_eq!(made.pages(), ["001.html", "002.html", "003.html", "names.html"]);
    let cards = |page: &str| made.text(&format!("report/{page}.html")).matches("<article").count();
    assert_eq!(["001", "002", "003"].map(cards), [100, 100, 50]);
    assert_eq!(made.text("report.html").matches("<article").count(), 0);
    assert_eq!(made.written(|| made.write(&clips)), [""; 0]);
    assert_eq!(made.written(|| made.write(&unchanged(&clips))), [""; 0]);
    // A word about one clip, said where it stands.
    clips[150] = made.keep("c150", "a new word");
    let written = made.written(|| made.write(&unchanged(&clips)));
    assert_eq!(written, ["report/002.html", "report/names.html", "report.html"]);
    assert!(made.text("report/002.html").contains("a new word"));
    // A new one comes onto the last page, whatever it is called, and the others keep theirs.
    clips.insert(0, made.keep("a", "is new"));
    let written = made.written(|| made.write(&clips));
    assert_eq!(written, ["report/003.html", "report/names.html", "report.html"]);
    assert!(made.text("report/003.html").contains("is new") && made.text("report.html").contains("251 clips"));
    // A page that somebody took away comes back.
    fs::remove_file(made.path("report/001.html")).unwrap();
    made.write(&clips);
    assert_eq!(cards("001"), 100);
}

#[test]
fn pages_that_are_not_needed_any_more_are_removed_and_nothing_else_is() {
    let made = Made::new();
    let clips: Vec<ClipBrief> = (0..250).map(|n| made.keep(&format!("c{n:03}"), "")).collect();
    made.write(&clips);
    for own in ["mine.html", "1.html", "0004.html", "notes.txt"] {
        fs::write(made.path("report").join(own), "mine").unwrap();
    }
    // The middle page's clips are gone: its neighbours lead to each other now.
    made.write(&[&clips[..100], &clips[200..]].concat());
    let mine = ["0004.html", "1.html", "mine.html", "notes.txt"];
    let there = |pages: &[&str]| {
        let mut all: Vec<&str> = pages.iter().chain(&mine).copied().collect();
        all.sort_unstable();
        assert_eq!(made.pages(), all);
    };
    there(&["001.html", "003.html", "names.html"]);
    assert!(made.text("report/001.html").contains("href=\"./003.html\""));
    // One page holds what is left.
    made.write(&clips[..100]);
    there(&[]);
    assert_eq!(made.text("report.html").matches("<article").count(), 100);
    mine.iter().for_each(|own| fs::remove_file(made.path("report").join(own)).unwrap());
    made.write(&clips);
    made.write(&clips[..3]);
    assert!(!made.path("report").exists());
    // A folder of that name in which no page of ours was ever written is somebody's own.
    fs::create_dir(made.path("report")).unwrap();
    fs::write(made.path("report/001.html"), "mine").unwrap();
    made.write(&clips[..2]);
    assert_eq!(made.text("report/001.html"), "mine");
}

#[test]
fn a_clip_keeps_its_page_until_half_of_them_would_do() {
    let names: Vec<String> = (0..450).map(|n| format!("{n:03}.mp4")).collect();
    let names: Vec<&str> = names.iter().map(String::as_str).collect();
    let all = arranged(Vec::new(), &names);
    let shape = |pages: &[Kept]| pages.iter().map(|page| (page.number, page.clips.len())).collect::<Vec<_>>();
    assert_eq!(shape(&all), [(1, 100), (2, 100), (3, 100), (4, 100), (5, 50)]);
    assert_eq!(arranged(all.clone(), &names), all);
    // One of each page but the last: five pages for 54 clips.
    let few: Vec<&str> = names.iter().copied().filter(|name| name.ends_with("50.mp4") || *name > "400").collect();
    assert_eq!(shape(&arranged(all.clone(), &few)), [(1, 54)]);
    let half: Vec<&str> = names.iter().copied().filter(|name| *name >= "200").collect();
    assert_eq!(shape(&arranged(all.clone(), &half)), [(3, 100), (4, 100), (5, 50)]);
    // Two files of one name, which no system that tells them apart should see, are on one page together.
    let twice = [&names[..], &["000.mp4"]].concat();
    assert_eq!(arranged(Vec::new(), &twice).iter().map(|page| page.clips.len()).sum::<usize>(), 450);
}

#[test]
fn a_clip_of_which_nothing_is_kept_says_so() {
    let made = Made::new();
    let clips = [made.keep("a", "well"), made.keep("b", "well")];
    made.store.remove("clip", "b");
    let fault = Fault::new("no video", "copy it again");
    let failed = ClipReport::failed("a", "a.mov", Stage::Probe, &fault);
    let broken = ClipBrief::from(&failed);
    // Another file of that name was made.
    assert_eq!(whole_report(&made.store, &broken), failed);
    assert!(whole_report(&made.store, &clips[1]).has_failure());
    made.write(&[clips[0].clone(), clips[1].clone(), broken]);
    let page = made.text("report.html");
    assert!(page.contains("cannot be read any more") && page.contains("No video.") && page.contains("well"), "{page}");
}
