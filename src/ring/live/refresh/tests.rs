use std::collections::VecDeque;
use std::sync::Mutex;

use super::*;
use crate::future::BoxFuture;
use crate::ring::source::document::{KeyRingDocument, RingTiming};
use crate::secret::SecretString;
use crate::testing::ManualClock;

const NOW: u64 = 1_800_000_000;

/// A source with scripted answers, which records when it was read.
#[derive(Clone, Default)]
struct Scripted(Arc<Mutex<Script>>, Arc<tokio::sync::Notify>);

#[derive(Default)]
struct Script {
    document: Option<SecretString>,
    version: Option<String>,
    slow: bool,
    asked: Vec<Instant>,
    known: VecDeque<Option<String>>,
}

impl KeySource for Scripted {
    fn name(&self) -> &str {
        "the script"
    }

    fn fetch<'a>(&'a self, known_version: Option<&'a str>) -> BoxFuture<'a, Result<Fetched, SourceError>> {
        Box::pin(async move {
            let (document, version, slow) = {
                let mut script = self.0.lock().unwrap();
                script.asked.push(Instant::now());
                script.known.push_back(known_version.map(ToOwned::to_owned));
                (script.document.clone(), script.version.clone(), script.slow)
            };
            if slow {
                std::future::pending::<()>().await;
            }
            match document {
                Some(_) if version.is_some() && version.as_deref() == known_version => Ok(Fetched::Unchanged),
                Some(document) => Ok(Fetched::document(document, version)),
                None => Err(SourceError::new(self.name(), SourceErrorKind::Missing, "404")),
            }
        })
    }

    fn changed(&self) -> BoxFuture<'_, ()> {
        Box::pin(self.1.notified())
    }
}

impl Scripted {
    fn holding(document: &KeyRingDocument) -> Self {
        let source = Self::default();
        source.set(Some(document));
        source
    }

    fn set(&self, document: Option<&KeyRingDocument>) {
        self.0.lock().unwrap().document = document.map(KeyRingDocument::to_secret_text);
    }

    /// The times between its reads.
    fn gaps(&self) -> Vec<Duration> {
        let script = self.0.lock().unwrap();
        script.asked.iter().zip(script.asked.iter().skip(1)).map(|(one, two)| *two - *one).collect()
    }

    fn asked(&self) -> usize {
        self.0.lock().unwrap().asked.len()
    }
}

fn document() -> KeyRingDocument {
    KeyRingDocument::first(RingTiming::default(), crate::clock::from_unix_seconds(NOW)).unwrap()
}

fn refresh() -> Refresh {
    Refresh::every(Duration::from_secs(60)).clock(ManualClock::at(NOW))
}

async fn running(source: &Scripted) -> (LiveKeyRing, tokio::task::JoinHandle<()>) {
    let (keys, refresher) = LiveKeyRing::load(source.clone(), refresh()).await.unwrap();
    (keys, tokio::spawn(refresher.run()))
}

#[tokio::test(start_paused = true)]
async fn the_source_is_read_at_the_interval_or_up_to_a_fifth_earlier() {
    let source = Scripted::holding(&document());
    let (_keys, _task) = running(&source).await;
    sleep(Duration::from_secs(600)).await;
    let gaps = source.gaps();
    assert!(gaps.len() >= 10);
    assert!(gaps.iter().all(|gap| (Duration::from_secs(48)..=Duration::from_millis(60_001)).contains(gap)), "{gaps:?}");
    assert!(gaps.iter().any(|gap| gap != &gaps[0]), "a fleet must not ask all at once");
}

/// A failing source must not be read more often, and must be read again soon after a short outage.
#[tokio::test(start_paused = true)]
async fn failures_are_tried_again_with_growing_pauses_and_the_ring_stays() {
    let source = Scripted::holding(&document());
    let (keys, _task) = running(&source).await;
    let before = keys.fingerprint();
    source.set(None);
    sleep(Duration::from_secs(600)).await;
    let gaps = source.gaps();
    for (failure, gap) in gaps.iter().skip(1).enumerate() {
        let most = Duration::from_secs(60.min(1 << failure.min(10)));
        assert!((most / 2..=most + Duration::from_millis(2)).contains(gap), "{failure}: {gap:?}");
    }
    let status = keys.status();
    assert_eq!((keys.fingerprint(), status.failed as usize), (before, source.asked() - 1));
    assert!(status.age.unwrap() >= Duration::from_secs(540), "its age can be seen");
    assert!(status.last_error.unwrap().starts_with("the script: no secret is there (404): write a ring there"));

    source.set(Some(&document_after(&keys)));
    sleep(Duration::from_secs(61)).await;
    assert_eq!((keys.status().last_error, keys.ring().serial()), (None, 2));
}

fn document_after(keys: &LiveKeyRing) -> KeyRingDocument {
    assert_eq!(keys.ring().serial(), 1);
    let now = crate::clock::from_unix_seconds(NOW);
    let ring = keys.ring();
    let key = &ring.keys()[0];
    let old = crate::ring::source::document::DocumentKey {
        root: key.root.clone(),
        published_at: key.published_at,
        seal_from: key.seal_from,
        note: None,
        emergency: false,
    };
    KeyRingDocument::checked(1, ring.timing(), vec![old], Vec::new()).unwrap().rotate(now).unwrap().document
}

#[tokio::test(start_paused = true)]
async fn a_source_that_does_not_answer_is_given_up_on() {
    let source = Scripted::holding(&document());
    let (keys, mut refresher) =
        LiveKeyRing::load(source.clone(), refresh().time_limit(Duration::from_secs(3))).await.unwrap();
    source.0.lock().unwrap().slow = true;
    let started = Instant::now();
    let error = refresher.refresh().await.unwrap_err();
    assert_eq!((error.kind(), started.elapsed().as_secs()), (SourceErrorKind::Unavailable, 3));
    assert_eq!(keys.ring().serial(), 1);
}

/// An attacker can send unknown key ids; the source must not be read for each.
#[tokio::test(start_paused = true)]
async fn unknown_keys_bring_one_refresh_forward_and_no_more_within_the_pause() {
    let source = Scripted::holding(&document());
    let (keys, _task) = running(&source).await;
    sleep(Duration::from_millis(10)).await;
    for _ in 0..100 {
        keys.met_unknown_key();
    }
    sleep(Duration::from_millis(10)).await;
    assert_eq!(source.asked(), 2, "at once, and once");
    for _ in 0..90 {
        keys.met_unknown_key();
        sleep(Duration::from_millis(100)).await;
    }
    assert_eq!(source.asked(), 2, "nine seconds on");
    sleep(Duration::from_secs(2)).await;
    assert_eq!(source.asked(), 3, "and once more after the pause");
}

#[tokio::test(start_paused = true)]
async fn reload_requests_and_source_changes_refresh_at_once() {
    let source = Scripted::holding(&document());
    let (keys, _task) = running(&source).await;
    sleep(Duration::from_millis(10)).await;
    for expected in 2..5 {
        keys.reload_now();
        sleep(Duration::from_millis(1)).await;
        assert_eq!(source.asked(), expected);
    }
    source.1.notify_one();
    sleep(Duration::from_millis(60)).await;
    assert_eq!(source.asked(), 5);
}

/// A refused document must be fetched again in full, because it may become acceptable with time.
#[tokio::test(start_paused = true)]
async fn only_a_version_that_was_taken_is_known() {
    let source = Scripted::holding(&document());
    source.0.lock().unwrap().version = Some("1".to_owned());
    let (keys, mut refresher) = LiveKeyRing::load(source.clone(), refresh()).await.unwrap();
    assert_eq!(refresher.refresh().await.unwrap(), Update::Unchanged);
    {
        let mut script = source.0.lock().unwrap();
        script.document = Some(SecretString::from("garbage".to_owned()));
        script.version = Some("2".to_owned());
    }
    assert!(refresher.refresh().await.is_err());
    assert!(refresher.refresh().await.is_err(), "and it is no less refused when it is seen again");
    let known: Vec<_> = source.0.lock().unwrap().known.iter().flatten().cloned().collect();
    assert_eq!(known, ["1", "1", "1"]);
    assert_eq!(keys.status().refused, 2);
}

#[tokio::test(start_paused = true)]
async fn a_start_refuses_an_old_document_and_an_interval_that_is_too_long() {
    let second = document().rotate(crate::clock::from_unix_seconds(NOW)).unwrap().document;
    let load = |refresh| LiveKeyRing::load(Scripted::holding(&second), refresh);
    assert!(load(refresh().minimum_serial(2)).await.is_ok());
    assert_eq!(load(refresh().minimum_serial(3)).await.unwrap_err().kind(), SourceErrorKind::Document);
    let slow = || Refresh::every(Duration::from_secs(301)).clock(ManualClock::at(NOW));
    // The first document, too: its first rotation would arrive too late.
    for document in [&second, &document()] {
        let error = LiveKeyRing::load(Scripted::holding(document), slow()).await.unwrap_err();
        assert!(error.to_string().contains("exceeds the document's propagation"), "{error}");
    }
    let bare = crate::ring::RootKey::generate().unwrap().to_secret_text();
    let bare = crate::ring::source::source_fn("bare", move || std::future::ready(Ok(bare.expose().to_owned())));
    assert!(LiveKeyRing::load(bare, slow()).await.is_ok());
}

/// "Never" and "at once" must not become a loop that does nothing but read.
#[tokio::test(start_paused = true)]
async fn endless_and_zero_intervals_are_bounded() {
    for endless in [Duration::MAX, Duration::ZERO] {
        let bare = crate::ring::RootKey::generate().unwrap().to_secret_text();
        let asked = Arc::new(std::sync::atomic::AtomicUsize::new(0));
        let count = Arc::clone(&asked);
        let source = crate::ring::source::source_fn("counted", move || {
            count.fetch_add(1, std::sync::atomic::Ordering::SeqCst);
            std::future::ready(Ok(bare.expose().to_owned()))
        });
        let refresh = Refresh::every(endless).early_at_most_every(endless).time_limit(Duration::MAX);
        let (keys, refresher) = LiveKeyRing::load(source, refresh).await.unwrap();
        tokio::spawn(refresher.run());
        for _ in 0..100 {
            keys.met_unknown_key();
            sleep(Duration::from_millis(1)).await;
        }
        let asked = asked.load(std::sync::atomic::Ordering::SeqCst);
        assert!((2..=6).contains(&asked), "asked {asked} times in a tenth of a second");
    }
}

#[tokio::test(start_paused = true)]
async fn the_task_ends_with_the_last_handle() {
    let source = Scripted::holding(&document());
    let (keys, task) = running(&source).await;
    let other = keys.clone();
    drop(keys);
    sleep(Duration::from_secs(1)).await;
    assert!(!task.is_finished());
    drop(other);
    sleep(Duration::from_millis(1)).await;
    assert!(task.is_finished());
}
