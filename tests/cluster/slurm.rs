//! A real Slurm on this computer for as long as a test takes: a munged with a key of its own, a controller and two nodes,
//! on free ports, with everything they write in a temporary folder. `/etc/slurm` and other daemons are not touched.

use std::collections::BTreeSet;
use std::fs;
use std::net::TcpListener;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Output, Stdio};
use std::sync::{Mutex, MutexGuard};
use std::thread::sleep;
use std::time::{Duration, Instant};
use tempfile::TempDir;

/// The nodes.
pub const NODES: [&str; 2] = ["n1", "n2"];
/// Seconds after which the controller takes a node that does not answer for dead.
const NODE_TIMEOUT: u32 = 6;
/// How many tasks one array may have here: so few that a set of clips needs two.
pub const MAX_ARRAY: usize = 4;
/// What has to be there, of the Debian packages slurm-wlm and munge, and of util-linux.
const PROGRAMS: [&str; 9] =
    ["munged", "munge", "slurmctld", "slurmd", "sbatch", "squeue", "scancel", "setpriv", "unshare"];

/// One cluster at a time: two cores are few enough for one.
static ONE: Mutex<()> = Mutex::new(());

/// A task of an array in the queue, or one job that is none.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Queued {
    /// Slurm's number of it, as `17_3`, `17_[4-7]` or `18`.
    pub id: String,
    /// `PENDING`, `RUNNING`, `COMPLETING`, ...
    pub state: String,
}

/// The cluster; it ends with this value.
pub struct Slurm {
    folder: TempDir,
    munged: Option<Child>,
    controller: Option<Child>,
    nodes: [Option<Child>; NODES.len()],
    _one: MutexGuard<'static, ()>,
}

/// Why no cluster can be had here; none: one can.
pub fn missing() -> Option<String> {
    let path = path();
    let there = |program: &str| std::env::split_paths(&path).any(|folder| Path::new(&folder).join(program).is_file());
    let missing: Vec<&str> = PROGRAMS.into_iter().filter(|program| !there(program)).collect();
    (!missing.is_empty()).then(|| format!("there is no {}: apt-get install slurm-wlm munge", missing.join(", no ")))
}

/// Whether a node can have a disk of its own: a file system mounted for its processes alone.
pub fn can_mount() -> bool {
    is_root() && run(Command::new("unshare").args(["-m", "mount", "-t", "tmpfs", "tmpfs", "/tmp"])).status.success()
}

fn is_root() -> bool {
    user() == "root"
}

fn user() -> String {
    String::from_utf8(run(Command::new("id").arg("-un")).stdout).unwrap().trim().to_string()
}

/// Daemons lie where not everybody's PATH leads.
fn path() -> String {
    format!("{}:/usr/sbin:/sbin", std::env::var("PATH").unwrap_or_default())
}

fn run(command: &mut Command) -> Output {
    command.stdin(Stdio::null()).output().unwrap_or_else(|e| panic!("{command:?}: {e}"))
}

impl Slurm {
    /// Starts it and waits until both nodes can be given work. It waits for another test's cluster to end first.
    pub fn start() -> Self {
        let one = ONE.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
        let folder = tempfile::Builder::new().prefix("slurm").tempdir().unwrap();
        // munged runs as a user of its own, who has to come to its folder.
        fs::set_permissions(folder.path(), fs::Permissions::from_mode(0o755)).unwrap();
        for name in ["munge", "state", "scratch-n1", "scratch-n2"] {
            fs::create_dir(folder.path().join(name)).unwrap();
        }
        let mut slurm = Slurm { folder, munged: None, controller: None, nodes: [None, None], _one: one };
        slurm.start_munged();
        slurm.configure();
        slurm.controller = Some(slurm.daemon("slurmctld", &[]));
        for node in NODES {
            slurm.start_node(node);
        }
        slurm.wait_for("idle nodes", Duration::from_secs(60), |slurm| slurm.idle_nodes() == NODES.len());
        slurm
    }

    /// Where everything of the cluster lies.
    pub fn folder(&self) -> &Path {
        self.folder.path()
    }

    /// Where the tasks of a node have room for what passes.
    pub fn scratch(&self, node: &str) -> PathBuf {
        self.folder().join(format!("scratch-{node}"))
    }

    /// Gives a command the cluster, and nothing of another one.
    pub fn known_to(&self, command: &mut Command) {
        for (variable, _) in
            std::env::vars().filter(|(name, _)| name.starts_with("SLURM") || name.starts_with("SBATCH"))
        {
            command.env_remove(variable);
        }
        command.env("SLURM_CONF", self.config()).env("PATH", path());
    }

    /// Runs one of Slurm's programs and gives what it prints.
    pub fn ask(&self, program: &str, arguments: &[&str]) -> String {
        let mut command = Command::new(program);
        self.known_to(command.args(arguments).env("PATH", path()));
        let output = run(&mut command);
        let said = String::from_utf8_lossy(&output.stderr);
        assert!(output.status.success(), "{command:?}: {said}\n{}", self.logs());
        String::from_utf8(output.stdout).unwrap()
    }

    /// What waits or runs.
    pub fn queue(&self) -> Vec<Queued> {
        let told = self.ask("squeue", &["--noheader", "--format=%i|%T"]);
        let line = |line: &str| {
            let parts: Vec<&str> = line.trim().splitn(2, '|').collect();
            Queued { id: parts[0].into(), state: parts[1].into() }
        };
        told.lines().filter(|line| !line.trim().is_empty()).map(line).collect()
    }

    /// Waits until nothing waits or runs.
    pub fn wait_until_empty(&self, patience: Duration) {
        self.wait_for("an empty queue", patience, |slurm| slurm.queue().is_empty());
    }

    /// Waits for something, and fails with what the daemons logged if it does not come.
    pub fn wait_for(&self, what: &str, patience: Duration, comes: impl Fn(&Self) -> bool) {
        let began = Instant::now();
        while !comes(self) {
            assert!(began.elapsed() < patience, "no {what} in {patience:?}: {:#?}\n{}", self.queue(), self.logs());
            sleep(Duration::from_millis(100));
        }
    }

    /// A power cut: the node's daemon and all that runs there is killed at once.
    pub fn kill_node(&mut self, node: &str) {
        let victims = self.processes_of(node);
        // In one call, so that none of them sees another die.
        let pids: Vec<String> = victims.iter().map(u32::to_string).collect();
        let killed = run(Command::new("kill").arg("-KILL").args(&pids));
        let place = NODES.iter().position(|name| *name == node).unwrap();
        drop(self.nodes[place].take().map(|mut child| child.wait()));
        println!("{node} was killed with {} processes ({})", pids.len(), killed.status);
    }

    /// Says that a node is gone, as who looks after the cluster does, so that the controller has not to find out.
    pub fn give_up(&self, node: &str) {
        self.ask("scontrol", &["update", &format!("nodename={node}"), "state=down", "reason=gone"]);
    }

    /// Starts a node, or again after it was killed.
    pub fn start_node(&mut self, node: &str) {
        self.start_node_within(node, None);
    }

    /// Starts a node whose scratch is a disk of so many KiB, which [`can_mount`] has to allow.
    pub fn start_node_on_small_disk(&mut self, node: &str, kibibytes: u32) {
        self.start_node_within(node, Some(kibibytes));
    }

    fn start_node_within(&mut self, node: &str, kibibytes: Option<u32>) {
        let place = NODES.iter().position(|name| *name == node).unwrap();
        assert!(self.nodes[place].is_none(), "{node} runs");
        let child = match kibibytes {
            None => self.daemon("slurmd", &["-N", node]),
            Some(size) => {
                let mount = format!("mount -t tmpfs -o size={size}k tmpfs \"$0\" && exec \"$@\"");
                let scratch = self.scratch(node);
                let wrapped = ["unshare", "-m", "sh", "-c", &mount, scratch.to_str().unwrap()];
                self.daemon_within(&wrapped, "slurmd", &["-N", node])
            }
        };
        self.nodes[place] = Some(child);
    }

    /// Stops a node in good order, so that it can be started otherwise.
    pub fn stop_node(&mut self, node: &str) {
        let place = NODES.iter().position(|name| *name == node).unwrap();
        end(self.nodes[place].take());
    }

    /// How many nodes could be given work.
    pub fn idle_nodes(&self) -> usize {
        let states = self.ask("sinfo", &["--noheader", "--Node", "--format=%T"]);
        states.lines().filter(|state| state.trim() == "idle").count()
    }

    /// How often the controller put a task back into the queue.
    pub fn requeued(&self) -> usize {
        let log = fs::read_to_string(self.folder().join("slurmctld.log")).unwrap();
        log.lines().filter(|line| line.to_lowercase().contains("requeu")).inspect(|line| println!("{line}")).count()
    }

    fn config(&self) -> PathBuf {
        self.folder().join("slurm.conf")
    }

    /// The last lines that the daemons logged.
    fn logs(&self) -> String {
        let mut told = String::new();
        for name in ["munge/log", "slurmctld.log", "n1.log", "n2.log", "daemons.log"] {
            let text = fs::read_to_string(self.folder().join(name)).unwrap_or_default();
            let lines: Vec<&str> = text.lines().collect();
            told += &format!("== {name}\n{}\n", lines[lines.len().saturating_sub(25)..].join("\n"));
        }
        told
    }

    /// munged will not run as root, and trusts only files that are its own.
    fn start_munged(&mut self) {
        let folder = self.folder().join("munge");
        let key: Vec<u8> = (0..128).map(|_| fastrand::u8(..)).collect();
        fs::write(folder.join("key"), key).unwrap();
        fs::set_permissions(folder.join("key"), fs::Permissions::from_mode(0o600)).unwrap();
        fs::set_permissions(&folder, fs::Permissions::from_mode(0o755)).unwrap();
        let as_munge: &[&str] = if is_root() {
            let owned = run(Command::new("chown").args(["-R", "munge:munge"]).arg(&folder));
            assert!(owned.status.success(), "{owned:?}");
            &["setpriv", "--reuid=munge", "--regid=munge", "--clear-groups"]
        } else {
            &[]
        };
        let place = |option: &str, name: &str| format!("--{option}={}", folder.join(name).display());
        let arguments = [
            "--foreground".to_string(),
            place("key-file", "key"),
            place("socket", "socket"),
            place("pid-file", "pid"),
            place("log-file", "log"),
            place("seed-file", "seed"),
        ];
        let arguments: Vec<&str> = arguments.iter().map(String::as_str).collect();
        self.munged = Some(self.process(as_munge, "munged", &arguments));
        self.wait_for_file(&folder.join("socket"));
    }

    fn wait_for_file(&self, file: &Path) {
        let began = Instant::now();
        while !file.exists() {
            assert!(began.elapsed() < Duration::from_secs(30), "no {}:\n{}", file.display(), self.logs());
            sleep(Duration::from_millis(20));
        }
    }

    /// Writes slurm.conf (slurm.conf(5)) and what a task is given before it begins.
    fn configure(&self) {
        let host = fs::read_to_string("/proc/sys/kernel/hostname").unwrap();
        let (host, user) = (host.trim(), user());
        // They are free now and are taken in a moment.
        let listeners: Vec<TcpListener> = (0..3).map(|_| TcpListener::bind("127.0.0.1:0").unwrap()).collect();
        let ports: Vec<u16> = listeners.iter().map(|listener| listener.local_addr().unwrap().port()).collect();
        drop(listeners);
        let folder = self.folder().display().to_string();
        let prolog = self.folder().join("prolog");
        // A node's own scratch, as batch systems give it.
        fs::write(&prolog, format!("#!/bin/sh\necho \"export SLURM_TMPDIR={folder}/scratch-$SLURMD_NODENAME\"\n"))
            .unwrap();
        fs::set_permissions(&prolog, fs::Permissions::from_mode(0o755)).unwrap();
        let text = format!(
            "ClusterName=housecall
SlurmctldHost={host}(127.0.0.1)
SlurmctldPort={}
SlurmUser={user}
SlurmdUser={user}
AuthType=auth/munge
CredType=cred/munge
# A task that is put back into the queue waits until its old credential is worthless: seconds instead of two minutes.
AuthInfo=socket={folder}/munge/socket,cred_expire=5
StateSaveLocation={folder}/state
SlurmctldPidFile={folder}/slurmctld.pid
SlurmctldLogFile={folder}/slurmctld.log
SlurmdPidFile={folder}/%n.pid
SlurmdLogFile={folder}/%n.log
SlurmdSpoolDir={folder}/spool-%n
TaskProlog={}
ProctrackType=proctrack/linuxproc
TaskPlugin=task/none
JobAcctGatherType=jobacct_gather/none
AccountingStorageType=accounting_storage/none
JobCompType=jobcomp/none
MpiDefault=none
SwitchType=switch/none
SelectType=select/cons_tres
SelectTypeParameters=CR_CPU_Memory
SchedulerType=sched/backfill
SchedulerParameters=bf_interval=1,sched_interval=1,batch_sched_delay=0
SlurmdTimeout={NODE_TIMEOUT}
KillWait=2
ReturnToService=2
MaxArraySize={MAX_ARRAY}
# More than this computer has: what is tried is the order of things, not its speed.
SlurmdParameters=config_overrides
NodeName=n1 NodeHostname={host} NodeAddr=127.0.0.1 Port={} CPUs=8 RealMemory=64000 State=UNKNOWN
NodeName=n2 NodeHostname={host} NodeAddr=127.0.0.1 Port={} CPUs=8 RealMemory=64000 State=UNKNOWN
PartitionName=cuts Nodes=n[1-2] Default=YES MaxTime=INFINITE State=UP LLN=YES
",
            ports[0],
            prolog.display(),
            ports[1],
            ports[2]
        );
        fs::write(self.config(), text).unwrap();
    }

    fn daemon(&self, program: &str, arguments: &[&str]) -> Child {
        self.daemon_within(&[], program, arguments)
    }

    fn daemon_within(&self, wrapped: &[&str], program: &str, arguments: &[&str]) -> Child {
        let config = self.config();
        self.process(wrapped, program, &[&["-D", "-f", config.to_str().unwrap()], arguments].concat())
    }

    /// A daemon in the foreground, so that it is a child whose number nothing else can get; it dies with the thread of the
    /// test, whatever ends that.
    fn process(&self, wrapped: &[&str], program: &str, arguments: &[&str]) -> Child {
        let log = fs::File::options().create(true).append(true).open(self.folder().join("daemons.log")).unwrap();
        let mut command = Command::new("setpriv");
        command.args(["--pdeathsig", "KILL"]).args(wrapped).arg(program).args(arguments);
        self.known_to(&mut command);
        command.env_remove("RUST_BACKTRACE").current_dir("/").stdin(Stdio::null());
        command.stdout(log.try_clone().unwrap()).stderr(log);
        command.spawn().unwrap_or_else(|e| panic!("{program}: {e}"))
    }

    /// The node's daemon, the steps it started, and all that descends from them. A step is told by the node's log, which it
    /// holds open: it has no other parent than the first process.
    fn processes_of(&self, node: &str) -> BTreeSet<u32> {
        let log = self.folder().join(format!("{node}.log"));
        let everything = processes();
        let mut found: BTreeSet<u32> = everything.iter().map(|(pid, _)| *pid).filter(|pid| holds(*pid, &log)).collect();
        loop {
            let more: Vec<u32> = everything
                .iter()
                .filter(|(pid, parent)| found.contains(parent) && !found.contains(pid))
                .map(|(pid, _)| *pid)
                .collect();
            if more.is_empty() {
                return found;
            }
            found.extend(more);
        }
    }
}

/// Every process with its parent.
fn processes() -> Vec<(u32, u32)> {
    let about = |entry: fs::DirEntry| {
        let pid: u32 = entry.file_name().to_str()?.parse().ok()?;
        let stat = fs::read_to_string(entry.path().join("stat")).ok()?;
        // After the name, which may hold anything, come state and parent (proc_pid_stat(5)).
        let parent = stat.rsplit_once(')')?.1.split_whitespace().nth(1)?.parse().ok()?;
        Some((pid, parent))
    };
    fs::read_dir("/proc").unwrap().flatten().filter_map(about).collect()
}

fn holds(pid: u32, file: &Path) -> bool {
    let open = fs::read_dir(format!("/proc/{pid}/fd")).into_iter().flatten().flatten();
    open.into_iter().any(|entry| fs::read_link(entry.path()).is_ok_and(|target| target == file))
}

/// Asks a daemon to end, and makes it if it does not.
fn end(child: Option<Child>) {
    let Some(mut child) = child else { return };
    drop(run(Command::new("kill").arg(child.id().to_string())));
    let began = Instant::now();
    while matches!(child.try_wait(), Ok(None)) {
        if began.elapsed() > Duration::from_secs(10) {
            drop(child.kill());
        }
        sleep(Duration::from_millis(20));
    }
}

impl Drop for Slurm {
    fn drop(&mut self) {
        // What still runs is no daemon of ours, and has to end before the folder goes.
        for node in NODES {
            if self.nodes.iter().any(Option::is_some) {
                let pids: Vec<String> = self.processes_of(node).iter().map(u32::to_string).collect();
                let own: Vec<String> = self.nodes.iter().flatten().map(|child| child.id().to_string()).collect();
                let steps = pids.iter().filter(|pid| !own.contains(pid));
                drop(run(Command::new("kill").arg("-KILL").args(steps)));
            }
        }
        for child in &mut self.nodes {
            end(child.take());
        }
        end(self.controller.take());
        end(self.munged.take());
    }
}
