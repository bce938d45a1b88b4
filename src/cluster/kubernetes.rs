//! A set of jobs as a manifest for Kubernetes: an Indexed Job with one pod a clip, which finds its number in
//! `JOB_COMPLETION_INDEX`, and a second Job that puts into place what they delivered. Kubernetes itself is not asked for
//! anything here; the text is applied with `kubectl`.
//!
//! Sources, read in November 2026: kubernetes.io, "Jobs" (completion mode, backoff limit per index, pod failure policy,
//! suspending), "Object Names and IDs", "Pod Security Standards" (restricted).

use super::set::JobSet;
use crate::fault::{Fault, cannot_write};
use std::fmt::Write;
use std::fs;
use std::path::{Component, Path, PathBuf};

/// The user and group of the image, who owns what pods write; of no meaning beyond that it is not root.
pub const USER: u32 = 10_001;
/// How often a pod of one clip may fail by itself (the memory is not enough, the program is killed) before that clip is
/// given up. A node that is drained or taken away does not count.
const RETRIES: u32 = 3;
/// Pods at once where nobody says how many: more would only wait in the queue of the scheduler.
const AT_ONCE: usize = 100;
/// GiB of the node's disk for a clip and its cuts. A phone's hour in 4K is 20 to 25 GB, and all its cuts together less.
const SCRATCH_GIBIBYTES: u32 = 50;
/// Where that is in the pod.
const SCRATCH: &str = "/scratch";
/// Longest name of a Job whose pods are numbered: they are called after it with a hyphen and up to six digits, as a DNS
/// label of 63 characters; the second Job's name ends on `-gather`.
const LONGEST_NAME: usize = 52;

/// What of the cluster is asked for.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Options {
    /// The image that `deploy/Containerfile` makes.
    pub image: String,
    /// Namespace; none: the one that `kubectl` has chosen.
    pub namespace: Option<String>,
    /// Where the shared folders come from.
    pub claims: Vec<Claim>,
    /// Most pods at once; none: a hundred.
    pub parallelism: Option<usize>,
}

/// A PersistentVolumeClaim and where it is mounted: the same path as on the computer that submitted.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Claim {
    /// Its name.
    pub name: String,
    /// Absolute path.
    pub path: PathBuf,
}

impl std::str::FromStr for Claim {
    type Err = String;

    /// `NAME=/PATH`, as typed.
    fn from_str(typed: &str) -> Result<Self, String> {
        let (name, path) = typed.split_once('=').ok_or("a claim is NAME=MOUNTPATH, as in clips=/srv/clips")?;
        if !is_subdomain(name) {
            return Err(format!("{name:?} is no name of a claim: lower-case letters, digits, hyphens and dots"));
        }
        let path = PathBuf::from(path);
        let is_plain = path.components().all(|part| matches!(part, Component::RootDir | Component::Normal(_)));
        if !path.is_absolute() || !is_plain || path.parent().is_none() || path.to_string_lossy().contains(':') {
            return Err(format!("{} is no place for a claim: give a whole path without : or ..", path.display()));
        }
        Ok(Claim { name: name.into(), path })
    }
}

/// What the Job of a set is called; the one that gathers has `-gather` behind it.
pub fn name(set: &JobSet) -> String {
    let id = set.folder.file_name().unwrap_or_default().to_string_lossy();
    let plain = |c: char| if c.is_ascii_alphanumeric() { c.to_ascii_lowercase() } else { '-' };
    let mut name: String = "housecall-".chars().chain(id.chars().map(plain)).collect();
    name.truncate(LONGEST_NAME);
    name.trim_end_matches('-').into()
}

/// The manifest of a set: two Jobs in one YAML file.
///
/// # Errors
/// An option breaks Kubernetes' rules, or a path that the tasks need is under no claim, so that no pod would see it.
pub fn manifest(set: &JobSet, options: &Options) -> Result<String, Fault> {
    check(set, options)?;
    let folder = text(&set.folder)?;
    let name = name(set);
    let gather = format!("{name}-gather");
    let task_arguments = ["task".to_string(), folder.clone()];
    let gather_arguments = ["gather".to_string(), text(&set.out)?, "--wait".into(), "--jobs".into(), folder];
    let parallelism = options.parallelism.unwrap_or(AT_ONCE).min(set.count);
    let count = set.count;
    let (cores, mebibytes) = (set.need.cores, set.need.mebibytes);
    let mut yaml = String::from("# Written by `housecall submit kubernetes`.\n");
    yaml += &head(&name, options);
    let _ = write!(
        yaml,
        "spec:
  # A pod a clip; its number is in JOB_COMPLETION_INDEX.
  completionMode: Indexed
  completions: {count}
  parallelism: {parallelism}
  # A clip that fails leaves the others alone.
  backoffLimitPerIndex: {RETRIES}
  podFailurePolicy:
    rules:
    # A node that is drained, taken away or wanted by something more urgent: no fault of the clip's.
    - action: Ignore
      onPodConditions:
      - type: DisruptionTarget
        status: \"True\"
    # The clip failed, and that is delivered: trying again gives the same.
    - action: FailIndex
      onExitCodes:
        containerName: housecall
        operator: In
        values: [2]
"
    );
    yaml += &pod(options, &task_arguments, cores, mebibytes)?;
    yaml += "---\n";
    yaml += &head(&gather, options);
    yaml += "spec:
  # A Job cannot wait for another: this one waits until it is told to begin, when the tasks are over.
  suspend: true
  backoffLimit: 3
  podFailurePolicy:
    rules:
    - action: Ignore
      onPodConditions:
      - type: DisruptionTarget
        status: \"True\"
    # 2: something failed or is missing; 3: something waits for approval. All else is in place.
    - action: FailJob
      onExitCodes:
        containerName: housecall
        operator: In
        values: [2, 3]
";
    yaml += &pod(options, &gather_arguments, cores.min(2), mebibytes)?;
    Ok(yaml)
}

/// Writes the manifest of a set into its folder; where. A fault leaves nothing of the set.
///
/// # Errors
/// As [`manifest`], or the disk takes no file.
pub fn write(set: &JobSet, options: &Options) -> Result<PathBuf, Fault> {
    let file = set.folder.join("kubernetes.yaml");
    let written = manifest(set, options).and_then(|yaml| fs::write(&file, yaml).map_err(|e| cannot_write(&file, &e)));
    if written.is_err() {
        set.discard();
    }
    written.map(|()| file)
}

/// The commands that apply a manifest, wait for the tasks, and let what they delivered be put into place.
pub fn commands(file: &Path, set: &JobSet, options: &Options) -> Vec<String> {
    let kubectl = match &options.namespace {
        Some(namespace) => format!("kubectl -n {namespace}"),
        None => "kubectl".into(),
    };
    let name = name(set);
    let over = format!("{kubectl} get job {name} -o jsonpath='{{.status.conditions[*].type}}'");
    vec![
        format!("{kubectl} apply -f '{}'", file.to_string_lossy().replace('\'', "'\\''")),
        format!("until {over} | grep -Eqw 'Complete|Failed'; do sleep 30; done"),
        format!("{kubectl} patch job {name}-gather -p '{{\"spec\":{{\"suspend\":false}}}}'"),
    ]
}

fn check(set: &JobSet, options: &Options) -> Result<(), Fault> {
    let broken = |what: String, advice: &str| Err(Fault::new(what, advice));
    if options.image.is_empty() || options.image.chars().any(|c| c.is_whitespace() || c.is_control()) {
        let advice = "name the image that was made with deploy/Containerfile, as registry.example/housecall:0.1";
        return broken(format!("{:?} is no image", options.image), advice);
    }
    if let Some(namespace) = options.namespace.as_ref().filter(|name| !is_label(name)) {
        let advice = "a namespace has lower-case letters, digits and hyphens, 63 at most";
        return broken(format!("{namespace:?} is no namespace"), advice);
    }
    let parts = set.parts.iter().flat_map(|part| {
        let site = part.place.site();
        [Some(site.inbox), Some(site.out), site.settings, site.defaults, Some(part.model.path.clone())]
    });
    let needed = parts.flatten().chain([set.folder.clone(), set.out.clone()]).chain(set.transcripts.clone());
    for path in needed {
        if !options.claims.iter().any(|claim| path.starts_with(&claim.path)) {
            let what = format!("no pod would see {}: no claim is mounted above it", path.display());
            return broken(
                what,
                "give --claim NAME=MOUNTPATH for the volume that it lies on, at the same path as here",
            );
        }
    }
    Ok(())
}

fn text(path: &Path) -> Result<String, Fault> {
    path.to_str().map(String::from).ok_or_else(|| {
        let what = format!("{} is no text, and a manifest takes nothing else", path.display());
        Fault::new(what, "rename the folder")
    })
}

fn head(name: &str, options: &Options) -> String {
    let namespace = options.namespace.as_ref().map(|name| format!("  namespace: {name}\n")).unwrap_or_default();
    format!(
        "apiVersion: batch/v1
kind: Job
metadata:
  name: {name}
{namespace}  labels:
    app.kubernetes.io/name: housecall
    app.kubernetes.io/instance: {name}
"
    )
}

/// The pods of a Job, by the restricted Pod Security Standard.
fn pod(options: &Options, arguments: &[String], cores: usize, mebibytes: u64) -> Result<String, Fault> {
    let image = quoted(&options.image);
    // Kubernetes makes `$(NAME)` in arguments a variable, and `$$` a dollar sign.
    let argument = |word: &String| format!("        - {}\n", quoted(&word.replace('$', "$$")));
    let arguments: String = arguments.iter().map(argument).collect();
    let (mut mounts, mut volumes) = (String::new(), String::new());
    for (number, claim) in options.claims.iter().enumerate() {
        let path = quoted(&text(&claim.path)?);
        let _ = write!(mounts, "        - name: shared-{number}\n          mountPath: {path}\n");
        let name = quoted(&claim.name);
        let _ = write!(
            volumes,
            "      - name: shared-{number}\n        persistentVolumeClaim:\n          claimName: {name}\n"
        );
    }
    Ok(format!(
        "  template:
    metadata:
      labels:
        app.kubernetes.io/name: housecall
    spec:
      restartPolicy: Never
      # Housecall asks nothing of the cluster.
      automountServiceAccountToken: false
      enableServiceLinks: false
      securityContext:
        runAsNonRoot: true
        runAsUser: {USER}
        runAsGroup: {USER}
        fsGroup: {USER}
        fsGroupChangePolicy: OnRootMismatch
        seccompProfile:
          type: RuntimeDefault
      containers:
      - name: housecall
        image: {image}
        command:
        - housecall
        args:
{arguments}        env:
        - name: TMPDIR
          value: {SCRATCH}
        - name: HOME
          value: {SCRATCH}
        resources:
          requests:
            cpu: \"{cores}\"
            memory: {mebibytes}Mi
            ephemeral-storage: {SCRATCH_GIBIBYTES}Gi
          limits:
            cpu: \"{cores}\"
            memory: {mebibytes}Mi
            ephemeral-storage: {SCRATCH_GIBIBYTES}Gi
        securityContext:
          allowPrivilegeEscalation: false
          readOnlyRootFilesystem: true
          capabilities:
            drop:
            - ALL
        volumeMounts:
        - name: scratch
          mountPath: {SCRATCH}
{mounts}      volumes:
      - name: scratch
        emptyDir:
          sizeLimit: {SCRATCH_GIBIBYTES}Gi
{volumes}"
    ))
}

/// A DNS label (RFC 1123).
fn is_label(name: &str) -> bool {
    let inner = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '-';
    (1..=63).contains(&name.len()) && name.chars().all(inner) && !name.starts_with('-') && !name.ends_with('-')
}

/// DNS labels with dots between them.
fn is_subdomain(name: &str) -> bool {
    name.len() <= 253 && name.split('.').all(is_label)
}

/// Text between quotation marks as YAML reads it (YAML 1.2.2, 5.7 and 7.3.1): nothing in it means anything else.
fn quoted(text: &str) -> String {
    let mut quoted = String::from("\"");
    for c in text.chars() {
        match c {
            '"' | '\\' => quoted.extend(['\\', c]),
            ' '..='~' => quoted.push(c),
            c => {
                let _ = write!(quoted, "\\U{:08x}", c as u32);
            }
        }
    }
    quoted + "\""
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::print_stdout)]
    use super::super::set::Part;
    use super::super::{Draft, Place};
    use super::*;
    use crate::centre::Site;
    use crate::pipeline::Need;
    use crate::speech::ModelFile;
    use k8s_openapi::api::batch::v1;
    use serde_json::Value;

    /// A set of so many jobs under a folder.
    fn set(root: &Path, count: usize) -> JobSet {
        JobSet {
            folder: root.join("cuts/.housecall/jobs/20261122-230252"),
            out: root.join("cuts"),
            at: "2026-11-22T23:02:52Z".into(),
            count,
            need: Need { cores: 4, mebibytes: 3072 },
            platforms: Vec::new(),
            transcripts: None,
            parts: vec![Part {
                place: Place::of(
                    &Site::alone(&root.join("clips"), &root.join("cuts"), None),
                    &root.join("clips/practice.toml"),
                ),
                model: ModelFile { path: root.join("models/small.en.bin"), ..model() },
                clips: Vec::new(),
            }],
            arrays: Vec::new(),
            over: false,
        }
    }

    fn model() -> ModelFile {
        let starter = Path::new(env!("CARGO_MANIFEST_DIR")).join("models/starter.bin");
        match crate::speech::find(starter.to_str(), "en", &crate::speech::folders().unwrap()).unwrap() {
            crate::speech::Located::Present(model) => model,
            crate::speech::Located::Missing { .. } => panic!("no starter model"),
        }
    }

    fn options(root: &str) -> Options {
        Options {
            image: "housecall:latest".into(),
            claims: vec![format!("centre={root}").parse().unwrap()],
            ..Options::default()
        }
    }

    /// The Jobs of a manifest, each of which holds nothing that Kubernetes' own schema does not have: a field that it does
    /// not know would be gone after it was read and written again.
    fn jobs(yaml: &str) -> Vec<v1::Job> {
        let parts: Vec<Value> = serde_saphyr::from_multiple(yaml).unwrap();
        let known = |written: Value| {
            let job: v1::Job = serde_json::from_value(written.clone()).unwrap();
            assert_eq!(serde_json::to_value(&job).unwrap(), written);
            job
        };
        parts.into_iter().map(known).collect()
    }

    fn container(job: &v1::Job) -> &k8s_openapi::api::core::v1::Container {
        &job.spec.as_ref().unwrap().template.spec.as_ref().unwrap().containers[0]
    }

    #[test]
    fn the_manifest_is_by_kubernetes_schema_and_asks_for_what_the_plan_estimates() {
        let options = Options { namespace: Some("media".into()), parallelism: Some(20), ..options("/srv/centre") };
        let jobs = jobs(&manifest(&set(Path::new("/srv/centre"), 250), &options).unwrap());
        let [tasks, gather] = &jobs[..] else { panic!("{jobs:?}") };
        assert_eq!(tasks.metadata.name.as_deref(), Some("housecall-20261122-230252"));
        assert_eq!(gather.metadata.name.as_deref(), Some("housecall-20261122-230252-gather"));
        let spec = tasks.spec.as_ref().unwrap();
        assert_eq!(spec.completion_mode.as_deref(), Some("Indexed"));
        assert_eq!((spec.completions, spec.parallelism, spec.backoff_limit_per_index), (Some(250), Some(20), Some(3)));
        let asked = container(tasks).resources.as_ref().unwrap().limits.as_ref().unwrap();
        assert_eq!((asked["cpu"].0.as_str(), asked["memory"].0.as_str()), ("4", "3072Mi"));
        assert_eq!(gather.spec.as_ref().unwrap().suspend, Some(true));
        for job in &jobs {
            assert_eq!(job.metadata.namespace.as_deref(), Some("media"));
            let pod = job.spec.as_ref().unwrap().template.spec.as_ref().unwrap();
            assert_eq!(pod.restart_policy.as_deref(), Some("Never"));
            assert_eq!(pod.automount_service_account_token, Some(false));
            let context = pod.security_context.as_ref().unwrap();
            assert_eq!((context.run_as_non_root, context.run_as_user), (Some(true), Some(USER.into())));
            assert_eq!(context.seccomp_profile.as_ref().unwrap().type_, "RuntimeDefault");
            let context = container(job).security_context.as_ref().unwrap();
            assert_eq!(context.allow_privilege_escalation, Some(false));
            assert_eq!(context.read_only_root_filesystem, Some(true));
            assert_eq!(context.capabilities.as_ref().unwrap().drop, Some(vec!["ALL".to_string()]));
            let mounts: Vec<&str> =
                container(job).volume_mounts.iter().flatten().map(|mount| mount.mount_path.as_str()).collect();
            assert_eq!(mounts, ["/scratch", "/srv/centre"]);
        }
        // The check itself sees a misspelt field.
        let misspelt = manifest(&set(Path::new("/srv/centre"), 1), &options).unwrap();
        let misspelt = misspelt.replace("backoffLimitPerIndex", "backoffLimitPerindex");
        assert!(std::panic::catch_unwind(|| self::jobs(&misspelt)).is_err());
    }

    #[test]
    fn nothing_in_a_path_means_something_to_yaml_or_kubernetes() {
        for name in
            ["a b", "it's \"here\"", "x: {y}", "# no", "\\n", "$(HOME) $$", "Müller\u{85}", "回答 😀", "- a\nb: c"]
        {
            let root = Path::new("/srv").join(name);
            let options = Options {
                image: "housecall".into(),
                claims: vec![Claim { name: "clips".into(), path: "/srv".into() }],
                ..Options::default()
            };
            let jobs = jobs(&manifest(&set(&root, 3), &options).unwrap());
            let written = container(&jobs[0]).args.as_ref().unwrap()[1].replace("$$", "$");
            assert_eq!(Path::new(&written), set(&root, 3).folder);
        }
    }

    #[test]
    fn what_kubernetes_would_refuse_is_said_before() {
        let set = set(Path::new("/srv/centre"), 3);
        let fault = |options: &Options| manifest(&set, options).unwrap_err().to_string();
        assert!(fault(&Options { image: "a b".into(), ..options("/srv/centre") }).contains("no image"));
        assert!(fault(&Options { namespace: Some("Media".into()), ..options("/srv/centre") }).contains("no namespace"));
        assert!(fault(&options("/srv/centre/cuts")).contains("no pod would see /srv/centre/clips"));
        for typed in ["clips", "Clips=/srv", "-a=/srv", "a=srv", "a=/srv/../etc", "a=/", "a=/a:b", "=/srv"] {
            assert!(typed.parse::<Claim>().is_err(), "{typed}");
        }
        let long = JobSet { folder: Path::new("/x").join("A_long.name".repeat(20)), ..set.clone() };
        let long = name(&long);
        assert!(is_label(&format!("{long}-123456")) && is_label(&format!("{long}-gather")), "{long}");
    }

    #[test]
    fn a_set_that_was_submitted_can_be_written_as_a_manifest() {
        let folder = tempfile::tempdir().unwrap();
        let draft = Draft::begin(&folder.path().join("cuts"), &[], None).finish().unwrap().unwrap();
        let options = options(folder.path().to_str().unwrap());
        let draft = JobSet { count: 2, need: Need { cores: 2, mebibytes: 512 }, ..draft };
        let file = write(&draft, &options).unwrap();
        assert_eq!(jobs(&fs::read_to_string(file).unwrap()).len(), 2);
        let commands = commands(Path::new("it's.yaml"), &draft, &options);
        assert_eq!(commands[0], "kubectl apply -f 'it'\\''s.yaml'");
        assert!(commands[2].ends_with("-gather -p '{\"spec\":{\"suspend\":false}}'"), "{commands:?}");
        // Of a set that no pod could work on nothing stays.
        assert!(write(&draft, &Options { claims: Vec::new(), ..options }).is_err());
        assert!(!draft.folder.exists());
    }

    #[test]
    fn the_base_in_deploy_is_what_is_written_for_a_set() {
        let base = Path::new(env!("CARGO_MANIFEST_DIR")).join("deploy/kubernetes");
        let written = std::fs::read_to_string(base.join("job.yaml")).unwrap();
        let set = JobSet { folder: "/centre/cuts/.housecall/jobs/set".into(), ..set(Path::new("/centre"), 1) };
        assert_eq!(written, manifest(&set, &options("/centre")).unwrap());
        let kustomization: Value =
            serde_saphyr::from_str(&std::fs::read_to_string(base.join("kustomization.yaml")).unwrap()).unwrap();
        assert_eq!(kustomization["resources"], serde_json::json!(["job.yaml"]));
        match std::process::Command::new("kubectl").arg("kustomize").arg(&base).output() {
            Ok(built) => {
                assert!(built.status.success(), "{built:?}");
                assert_eq!(jobs(&String::from_utf8(built.stdout).unwrap()).len(), 2);
            }
            Err(e) => println!("NOT BUILT WITH KUSTOMIZE: kubectl: {e}"),
        }
    }
}
