//! Which of the server's threads go first when there is more to do than there are processors.

/// By so much nicer are the threads that take requests: where both want to run, the others get three times as much of a
/// processor, and are let in at once when they wake up.
const BEHIND: i32 = 5;

/// Puts the thread that calls it behind those that finish what has begun. A commit that many wait for wakes its writer
/// twice, once when it has gathered enough and once when the disk has it; a payment waits for half a dozen commits, one
/// after another. Each time the writer would stand in line behind requests that have only just come in.
///
/// For the threads of the runtime that takes requests, and for no other: a thread begins with the precedence of
/// whoever starts it, so writers that are opened by the main thread, and those for money under way, stay in front. That of
/// a group that is added to a running server stands beside the requests until the next start.
pub fn stand_back() {
    if let Err(error) = rustix::process::nice(BEHIND) {
        tracing::debug!(%error, "the threads that take requests do not stand back: under much load answers take longer");
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::thread;

    #[test]
    fn a_thread_that_stands_back_leaves_the_others_where_they_are() {
        let own = || rustix::process::getpriority_process(None).unwrap();
        let before = own();
        let behind = thread::spawn(move || {
            stand_back();
            own()
        });
        assert_eq!(behind.join().unwrap(), (before + BEHIND).min(19));
        assert_eq!(own(), before);
        assert_eq!(thread::spawn(own).join().unwrap(), before);
    }
}
