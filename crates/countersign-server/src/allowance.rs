//! How much memory the process may use: that of the machine, less where a container or a resource limit says so.

use std::fs;
use std::path::{Path, PathBuf};

use rustix::process::{Resource, getrlimit};

/// Bytes that this process may use; `None` where the system does not say.
pub fn memory() -> Option<u64> {
    let limits = [Resource::As, Resource::Data].map(|resource| getrlimit(resource).current);
    limits.into_iter().flatten().chain(memory_under(Path::new("/"))).min()
}

/// What the files below `root` say: those of /proc and of the control groups, of either version.
fn memory_under(root: &Path) -> Option<u64> {
    machine(root).into_iter().chain(groups(root).iter().filter_map(|file| number(file))).min()
}

/// The memory of the machine.
fn machine(root: &Path) -> Option<u64> {
    let text = fs::read_to_string(root.join("proc/meminfo")).ok()?;
    let line = text.lines().find_map(|line| line.strip_prefix("MemTotal:"))?;
    line.trim().strip_suffix(" kB")?.parse::<u64>().ok()?.checked_mul(1024)
}

/// The files of limits of the control groups that this process is in: its own and those around it, each of which holds.
fn groups(root: &Path) -> Vec<PathBuf> {
    let read = |name| fs::read_to_string(root.join(name)).unwrap_or_default();
    let (mounts, memberships) = (read("proc/self/mountinfo"), read("proc/self/cgroup"));
    let mut files = Vec::new();
    for mount in mounts.lines().filter_map(Mount::read) {
        let Some(group) = memberships.lines().find_map(|line| mount.kind.group(line)) else { continue };
        // In a container the group's path may start outside of what is mounted: then the top of the mount is ours.
        let inside = Path::new(group).strip_prefix(mount.top).unwrap_or(Path::new(""));
        let point = root.join(mount.point.trim_start_matches('/'));
        for folder in inside.ancestors() {
            files.extend(mount.kind.files().iter().map(|file| point.join(folder).join(file)));
        }
    }
    files
}

/// A hierarchy of control groups, where it is mounted.
struct Mount<'a> {
    kind: Kind,
    /// The group that stands at the mount point.
    top: &'a str,
    point: &'a str,
}

#[derive(Clone, Copy)]
enum Kind {
    /// Version 1, the memory controller.
    Memory,
    /// Version 2.
    Unified,
}

impl<'a> Mount<'a> {
    /// Reads a line of mountinfo (`proc_pid_mountinfo(5)`).
    fn read(line: &'a str) -> Option<Self> {
        let (mount, system) = line.split_once(" - ")?;
        let mut mount = mount.split(' ').skip(3);
        let (top, point) = (mount.next()?, mount.next()?);
        let mut system = system.split(' ');
        let kind = match (system.next()?, system.nth(1)?) {
            ("cgroup2", _) => Kind::Unified,
            ("cgroup", options) if options.split(',').any(|option| option == "memory") => Kind::Memory,
            _ => return None,
        };
        Some(Self { kind, top, point })
    }
}

impl Kind {
    /// The path of the group, in a line of /proc/self/cgroup of this hierarchy.
    fn group(self, line: &str) -> Option<&str> {
        let (_, rest) = line.split_once(':')?;
        let (controllers, group) = rest.split_once(':')?;
        let is_this = match self {
            Kind::Unified => controllers.is_empty(),
            Kind::Memory => controllers.split(',').any(|controller| controller == "memory"),
        };
        is_this.then_some(group)
    }

    /// Beyond `high` a group is slowed down so much that it stands still.
    fn files(self) -> &'static [&'static str] {
        match self {
            Kind::Unified => &["memory.max", "memory.high"],
            Kind::Memory => &["memory.limit_in_bytes"],
        }
    }
}

/// The number in a file; `None` for `max`, and where there is no such file.
fn number(file: &Path) -> Option<u64> {
    fs::read_to_string(file).ok()?.trim().parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    const GIB: u64 = 1 << 30;
    const UNIFIED: &str = "30 24 0:26 / /sys/fs/cgroup rw,nosuid - cgroup2 cgroup2 rw,nsdelegate";

    /// A machine of 16 GiB with these files.
    fn memory_with(files: &[(&str, &str)]) -> Option<u64> {
        let root = tempfile::tempdir().unwrap();
        for (name, text) in [("proc/meminfo", "MemTotal:       16777216 kB\nMemFree: 1 kB\n")].iter().chain(files) {
            let path = root.path().join(name);
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            fs::write(path, text).unwrap();
        }
        memory_under(root.path())
    }

    #[test]
    fn without_limits_it_is_the_memory_of_the_machine() {
        assert_eq!(memory_with(&[]), Some(16 * GIB));
        let unlimited = [
            ("proc/self/mountinfo", UNIFIED),
            ("proc/self/cgroup", "0::/user.slice\n"),
            ("sys/fs/cgroup/user.slice/memory.max", "max\n"),
        ];
        assert_eq!(memory_with(&unlimited), Some(16 * GIB));
        assert_eq!(memory_under(Path::new("/nowhere")), None);
    }

    #[test]
    fn each_group_around_the_process_limits_it() {
        let mount = ("proc/self/mountinfo", UNIFIED);
        let member = ("proc/self/cgroup", "0::/pod/app\n");
        let (outer, inner) = ("sys/fs/cgroup/pod/memory.max", "sys/fs/cgroup/pod/app/memory.max");
        assert_eq!(memory_with(&[mount, member, (outer, "1073741824\n"), (inner, "max\n")]), Some(GIB));
        assert_eq!(memory_with(&[mount, member, (outer, "max\n"), (inner, "1073741824\n")]), Some(GIB));
        let high = ("sys/fs/cgroup/pod/app/memory.high", "536870912\n");
        assert_eq!(memory_with(&[mount, member, (inner, "1073741824\n"), high]), Some(GIB / 2));
        let foreign = ("sys/fs/cgroup/other/memory.max", "1\n");
        assert_eq!(memory_with(&[mount, member, foreign]), Some(16 * GIB));
    }

    #[test]
    fn a_container_finds_its_limit_where_its_group_is_mounted() {
        let limit = ("sys/fs/cgroup/memory.max", "1073741824\n");
        let whole = "30 24 0:26 /docker/abc /sys/fs/cgroup ro - cgroup2 cgroup rw";
        for (mount, member) in [
            (UNIFIED, "0::/\n"),
            (whole, "0::/docker/abc\n"),
            (UNIFIED, "0::/../outside\n"),
            (whole, "0::/elsewhere\n"),
        ] {
            let files = [("proc/self/mountinfo", mount), ("proc/self/cgroup", member), limit];
            assert_eq!(memory_with(&files), Some(GIB), "{mount} {member}");
        }
    }

    #[test]
    fn the_first_version_is_read_as_well() {
        let mounts = "35 31 0:32 / /sys/fs/cgroup/memory rw - cgroup cgroup rw,memory\n\
                      36 31 0:33 / /sys/fs/cgroup/cpu rw - cgroup cgroup rw,cpu\n";
        let member = "4:memory:/app\n1:cpu,cpuacct:/other\n0::/\n";
        let limit = |text| ("sys/fs/cgroup/memory/app/memory.limit_in_bytes", text);
        let files = [("proc/self/mountinfo", mounts), ("proc/self/cgroup", member)];
        assert_eq!(memory_with(&[files[0], files[1], limit("1073741824\n")]), Some(GIB));
        // Without a limit there stands the largest number of pages.
        assert_eq!(memory_with(&[files[0], files[1], limit("9223372036854771712\n")]), Some(16 * GIB));
    }

    #[test]
    fn this_process_may_use_some_memory() {
        assert!(!cfg!(target_os = "linux") || memory().is_some_and(|bytes| bytes > 1 << 20));
    }
}
