use std::sync::atomic::{AtomicUsize, Ordering::SeqCst};
use std::sync::mpsc;
use std::time::{Duration, Instant};

use tokio::time::timeout;

use super::*;

/// Every refresh looked again at a dead mount, and each look cost the process a thread for good.
#[tokio::test]
async fn a_read_that_hangs_holds_one_thread_however_often_it_is_tried() {
    let (background, started) = (Background::default(), Arc::new(AtomicUsize::new(0)));
    let (end, hanging) = mpsc::channel::<()>();
    let hanging = Arc::new(Mutex::new(hanging));
    for _ in 0..20 {
        let (started, hanging) = (Arc::clone(&started), Arc::clone(&hanging));
        let work = move || {
            started.fetch_add(1, SeqCst);
            let _ = locked(&hanging).recv();
            Ok(())
        };
        assert!(timeout(Duration::from_millis(5), background.run(work)).await.is_err());
    }
    assert_eq!((started.load(SeqCst), locked(&background.0).waiting.len()), (1, 1));
    // The mount is back.
    end.send(()).unwrap();
    let read = timeout(Duration::from_secs(10), background.run(|| Ok(42))).await;
    assert_eq!(read.unwrap().unwrap(), 42);
}

/// A service whose start timed out must be able to exit.
#[test]
fn a_runtime_ends_while_a_read_hangs() {
    let (end, hanging) = mpsc::channel::<()>();
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_time().build().unwrap();
    let background = Background::default();
    runtime.block_on(async {
        let work = move || hanging.recv().map_err(io::Error::other);
        assert!(timeout(Duration::from_millis(5), background.run(work)).await.is_err());
    });
    let dropped = Instant::now();
    drop(runtime);
    assert!(dropped.elapsed() < Duration::from_secs(5), "the runtime waited for the read");
    drop(end);
}

#[tokio::test]
async fn work_that_panics_is_an_error_and_the_next_one_runs() {
    let background = Background::default();
    let failed = background.run(|| if background_is_broken() { panic!("on purpose") } else { Ok(()) }).await;
    assert!(failed.unwrap_err().to_string().contains("ended early"));
    assert_eq!(background.run(|| Ok(1)).await.unwrap(), 1);
}

fn background_is_broken() -> bool {
    true
}
