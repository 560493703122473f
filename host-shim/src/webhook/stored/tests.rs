use hpa_override_testbed::seed;
use rstest::rstest;

use super::*;

const HOST: &str = "hpa-override-webhook.ops.svc";
/// Ninety days, in seconds.
const LIFE: i64 = 90 * 24 * 3600;
const THIRD: i64 = LIFE / 3;

fn start() -> Instant {
    "2026-11-30T08:00:00Z".parse().unwrap()
}

/// What is stored next, as another replica reads it.
fn step(stored: &Stored, now: Instant, is_trusted: bool) -> Option<(Stored, Step)> {
    let (then, step) = stored.next(HOST, LIFE, now, is_trusted).unwrap()?;
    let mut secret = json!({"data": then.data()});
    secret["data"].as_object_mut().unwrap().retain(|_, value| !value.is_null());
    let read = Stored::read(&secret);
    assert!(read == then, "it is read as it was stored");
    Some((read, step))
}

fn made() -> Stored {
    let (stored, made) = step(&Stored::default(), start(), false).unwrap();
    assert_eq!(made, Step::Made);
    stored
}

/// Whether a client accepts it at that time which trusts these authorities.
fn is_accepted(pem: &Pem, authorities: &[String], now: Instant) -> bool {
    pem.parse().unwrap().is_accepted(authorities, now)
}

#[test]
fn the_first_one_is_presented_at_once() {
    let stored = made();
    let presented = stored.presented.as_ref().unwrap().parse().unwrap();
    assert!(presented.is_for(HOST) && !presented.is_for("other.ops.svc"));
    assert_eq!(presented.expires, start().saturating_add(LIFE + 1));
    assert!(is_accepted(stored.presented.as_ref().unwrap(), &stored.authorities, start()));
    assert_eq!(stored.bundle().matches("BEGIN CERTIFICATE").count(), 1);
    assert!(step(&stored, start(), true).is_none(), "nothing is to be done");
}

#[test]
fn it_is_renewed_before_a_third_of_its_life_is_left() {
    let first = made();
    let expires = start().saturating_add(LIFE + 1);
    let at = expires.saturating_add(-THIRD - 1);
    assert!(step(&first, at, true).is_none());

    let at = expires.saturating_add(-THIRD);
    let (prepared, done) = step(&first, at, true).unwrap();
    assert_eq!(done, Step::Prepared);
    assert!(prepared.presented == first.presented, "nobody trusts the next one yet");
    assert_eq!(prepared.authorities.len(), 2);
    assert!(step(&prepared, at, false).is_none(), "nobody trusts the next one yet");

    let (changed, done) = step(&prepared, at, true).unwrap();
    assert_eq!(done, Step::Changed);
    assert!(changed.presented == prepared.next && changed.next.is_none());
    assert_eq!(changed.authorities, prepared.authorities, "a replica may still present the old one");
    assert!(step(&changed, expires.saturating_add(KEPT - 1), true).is_none());

    let (dropped, done) = step(&changed, expires.saturating_add(KEPT), true).unwrap();
    assert_eq!(done, Step::Dropped);
    assert_eq!(dropped.authorities, changed.authorities[1..]);
}

#[test]
fn what_cannot_be_presented_is_made_anew_and_what_is_trusted_stays_trusted() {
    let stored = made();
    let another = made();
    let pair = |chain: &Stored, key: &Stored| Pem {
        chain: chain.presented.clone().unwrap().chain,
        key: key.presented.clone().unwrap().key,
    };
    let broken = [
        (None, "it is lost"),
        (Some(Pem { chain: b"none".into(), key: b"none".into() }), "it is none"),
        (Some(pair(&stored, &another)), "the key is another's"),
    ];
    for (presented, what) in broken {
        let (then, done) = step(&Stored { presented, ..stored.clone() }, start(), false).unwrap();
        assert_eq!(done, Step::Made, "{what}");
        assert!(is_accepted(then.presented.as_ref().unwrap(), &then.authorities, start()), "{what}");
        assert_eq!(then.authorities[0], stored.authorities[0], "{what}");
    }
    let others = Stored { authorities: another.authorities.clone(), ..stored.clone() };
    assert_eq!(step(&others, start(), false).unwrap().1, Step::Made, "nobody who is trusted has signed it");
    let yesterday = start().saturating_add(-BEFORE - 1);
    assert_eq!(step(&stored, yesterday, false).unwrap().1, Step::Made, "it is not valid yet");
    let garbage = json!({"data": {"ca.crt": STANDARD.encode(format!("{}no PEM", stored.bundle())), "tls.crt": 5}});
    assert_eq!(Stored::read(&garbage).authorities, stored.authorities);
}

/// Configurations may still ask by the last name.
#[rstest]
#[case::name("web.shop.svc")]
#[case::v4("10.0.0.9")]
#[case::v6("fd00::9")]
fn another_host_is_prepared_for_before_it_is_presented(#[case] host: &str) {
    let stored = made();
    let (then, done) = stored.next(host, LIFE, start(), true).unwrap().unwrap();
    assert_eq!(done, Step::Prepared);
    assert!(then.presented == stored.presented);
    assert!(then.next(host, LIFE, start(), false).unwrap().is_none(), "nothing is made twice");
    let (then, done) = then.next(host, LIFE, start(), true).unwrap().unwrap();
    assert_eq!(done, Step::Changed);
    assert!(then.presented.as_ref().unwrap().parse().unwrap().is_for(host));
    assert!(then.next(host, LIFE, start(), true).unwrap().is_none());
}

/// Leaders take turns, with clocks up to five minutes off; each replica presents what it read within the last minute. A client
/// accepts every one of them at every moment, once there is a first.
#[test]
fn whoever_leads_with_whatever_clock_every_replica_is_accepted() {
    let mut random = fastrand::Rng::with_seed(seed("HPA_OVERRIDE_CERTIFICATE_SEED").unwrap());
    let mut now = start();
    let mut stored = made();
    let mut replicas = [stored.presented.clone(), stored.presented.clone()];
    // What clients trust, and for how many seconds the leader has known that.
    let (mut trusted, mut known) = (stored.authorities.clone(), 0);
    let mut leader_is_off = 0;
    let mut renewed = 0;
    while renewed < 3 {
        // Most of a life is quiet.
        let passed = if known > 120 { random.i64(60..THIRD / 4) } else { random.i64(1..40) };
        now = now.saturating_add(passed);
        if known > 120 {
            replicas = replicas.map(|_| stored.presented.clone());
        }
        if random.u8(..) < 64 {
            (leader_is_off, known) = (random.i64(-300..=300), 0);
        }
        // Now and then a part of the round is not done; over days all of it is.
        let mut is_done = || passed > 60 || random.bool();
        let (configures, steps) = (is_done(), is_done());
        if configures {
            let is_configured = trusted == stored.authorities;
            trusted.clone_from(&stored.authorities);
            known = if is_configured { known + passed } else { 0 };
        }
        let is_trusted = trusted == stored.authorities && known >= 60;
        if steps && let Some((then, done)) = step(&stored, now.saturating_add(leader_is_off), is_trusted) {
            assert_ne!(done, Step::Made, "nothing was lost");
            renewed += usize::from(done == Step::Changed);
            stored = then;
            known = 0;
        }
        let replica = random.usize(..replicas.len());
        replicas[replica].clone_from(&stored.presented);
        for off in [-300, 0, 300] {
            for presented in replicas.iter().flatten() {
                assert!(is_accepted(presented, &trusted, now.saturating_add(off)), "{now} {off}");
            }
        }
    }
}
