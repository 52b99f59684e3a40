//! The allocator's one setting.

/// Makes all threads share one heap of glibc's. Each has its own otherwise, in which holes stay
/// that others cannot fill: 356 sites then take 6 MiB more, and whatever a burst left behind. Small
/// blocks come from a thread's cache first, so workers seldom wait for each other.
///
/// Other C libraries have one heap anyhow. To be called before a second thread starts.
#[cfg_attr(target_env = "gnu", expect(unsafe_code, reason = "a call to the C library"))]
pub fn share_one() {
    #[cfg(target_env = "gnu")]
    {
        // SAFETY: takes two numbers, and is told them before any other thread allocates. Where it
        // refuses, all works as before.
        let _ = unsafe { nix::libc::mallopt(nix::libc::M_ARENA_MAX, 1) };
    }
}
