//! Settings of hashing.

use countersign_password::Kernel;

use crate::settings::table::{MANY, Setting};
use crate::settings::value::{choice_from, choice_to, duration_from, duration_to, number_from, peppers_from};

const REPLACE_OR_KEEP: [(&str, bool); 2] = [("replace", true), ("keep", false)];
const KERNELS: [(&str, Kernel); 2] = [("auto", Kernel::Auto), ("portable", Kernel::Portable)];

pub(super) const HASH_MEMORY_KIB: Setting = Setting {
    name: "hash-memory-kib",
    value: "KIB",
    help: "Memory of a new password hash (Argon2id)",
    is_path: false,
    read: |settings, text| number_from(text, 1, u32::MAX).map(|kib| settings.hash_memory_kib = kib),
    show: |settings| settings.hash_memory_kib.to_string(),
};

pub(super) const HASH_ITERATIONS: Setting = Setting {
    name: "hash-iterations",
    value: "COUNT",
    help: "Passes of a new password hash over its memory",
    is_path: false,
    read: |settings, text| number_from(text, 1, u32::MAX).map(|count| settings.hash_iterations = count),
    show: |settings| settings.hash_iterations.to_string(),
};

pub(super) const HASH_PARALLELISM: Setting = Setting {
    name: "hash-parallelism",
    value: "COUNT",
    help: "Lanes of a new password hash",
    is_path: false,
    read: |settings, text| number_from(text, 1, u32::MAX).map(|count| settings.hash_parallelism = count),
    show: |settings| settings.hash_parallelism.to_string(),
};

pub(super) const PEPPER_FILE: Setting = Setting {
    name: "pepper-file",
    value: "FILE",
    help: "Secret keys that go into password hashes, one a line in base64, that of new hashes first. Without it: none",
    is_path: true,
    read: |settings, text| peppers_from(text).map(|peppers| settings.peppers = peppers),
    show: |settings| settings.peppers.as_ref().map_or(String::new(), |(path, _)| path.display().to_string()),
};

pub(super) const FOREIGN_HASHES: Setting = Setting {
    name: "foreign-hashes",
    value: "replace|keep",
    help: "Password hashes that other programs made: replace them at the next login, or keep them while another program reads them",
    is_path: false,
    read: |settings, text| choice_from(text, REPLACE_OR_KEEP).map(|replace| settings.replace_foreign_hashes = replace),
    show: |settings| choice_to(&settings.replace_foreign_hashes, REPLACE_OR_KEEP),
};

pub(super) const HASH_KERNEL: Setting = Setting {
    name: "hash-kernel",
    value: "auto|portable",
    help: "What computes Argon2id: the fastest that the CPU has, or what runs on every CPU",
    is_path: false,
    read: |settings, text| choice_from(text, KERNELS).map(|kernel| settings.hash_kernel = kernel),
    show: |settings| choice_to(&settings.hash_kernel, KERNELS),
};

pub(super) const HASH_THREADS: Setting = Setting {
    name: "hash-threads",
    value: "COUNT",
    help: "Threads that hash passwords. Without it: one for each core",
    is_path: false,
    read: |settings, text| number_from(text, 1, 1024).map(|count| settings.hashing.threads = count),
    show: |settings| settings.hashing.threads.to_string(),
};

pub(super) const HASH_BUDGET_MIB: Setting = Setting {
    name: "hash-budget-mib",
    value: "MIB",
    help: "Memory of all password hashes that run at once. Without it: a quarter of the memory that the process may use",
    is_path: false,
    read: |settings, text| number_from(text, 1, MANY).map(|mib| settings.hashing.memory_budget_mib = mib),
    show: |settings| settings.hashing.memory_budget_mib.to_string(),
};

pub(super) const HASH_QUEUE: Setting = Setting {
    name: "hash-queue",
    value: "COUNT",
    help: "Logins that may wait for a password hash; the next is refused with 503. Without it: 64 for each thread",
    is_path: false,
    read: |settings, text| number_from(text, 1, MANY).map(|count| settings.hashing.queue_limit = count),
    show: |settings| settings.hashing.queue_limit.to_string(),
};

pub(super) const HASH_DEADLINE: Setting = Setting {
    name: "hash-deadline",
    value: "TIME",
    help: "How long a login waits for a password hash to begin before it is refused with 503",
    is_path: false,
    read: |settings, text| duration_from(text).map(|deadline| settings.hashing.deadline = deadline),
    show: |settings| duration_to(settings.hashing.deadline),
};
