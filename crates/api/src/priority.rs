//! The place of threads that work for others than those who wait for an answer.

/// About a tenth of the share of a thread that serves, where both want a core. Lower still, and nobody could sign in, and no
/// mail would leave, during a rush. Of this thread alone, which is what Linux does; elsewhere it would be that of the whole process, so it stays as
/// it is.
pub fn behind_the_others() {
    #[cfg(target_os = "linux")]
    if let Err(error) = rustix::process::nice(10) {
        tracing::debug!(%error, "a thread works at the usual priority");
    }
}

/// What no other thread of the machine wants; it gives way at once, not at the end of its slice (sched(7), `SCHED_IDLE`).
pub fn with_what_is_left() {
    #[cfg(target_os = "linux")]
    {
        use thread_priority::{
            NormalThreadSchedulePolicy, ThreadPriority, ThreadSchedulePolicy, set_thread_priority_and_policy,
            thread_native_id,
        };
        let idle = ThreadSchedulePolicy::Normal(NormalThreadSchedulePolicy::Idle);
        if let Err(error) = set_thread_priority_and_policy(thread_native_id(), ThreadPriority::Min, idle) {
            tracing::debug!(?error, "a thread works at the usual priority");
        }
    }
}
