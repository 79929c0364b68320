//! The promise, tried by simulation: "an acknowledged message is never lost, is shown exactly once, and everyone sees a room
//! in the same order; an unacknowledged one stays visible, says why it waits, and goes out by itself."
//!
//! Everything but the network and the server's book is real, the encrypted store on disk included. Time is virtual.
//! `HUGMEDO_CHAT_SEEDS` and `HUGMEDO_CHAT_SEED` set how many seeds are run and which is the first.

#![allow(clippy::unwrap_used, clippy::print_stdout, reason = "all of this file is a test")]

use std::{
    sync::{
        Mutex,
        atomic::{AtomicU64, Ordering},
    },
    time::Duration,
};

use anyhow::Result;
use hugmedo_chat_testkit::simulation::Simulations;

const SECOND: Duration = Duration::from_secs(1);

/// How many seeds a run of all tests can afford.
const SEEDS: u64 = 200;

fn number(name: &str, usual: u64) -> u64 {
    std::env::var(name).ok().and_then(|text| text.parse().ok()).unwrap_or(usual)
}

#[test]
fn whatever_the_network_does_nothing_is_lost_doubled_or_out_of_order() -> Result<()> {
    let (first, count) = (number("HUGMEDO_CHAT_SEED", 1), number("HUGMEDO_CHAT_SEEDS", SEEDS));
    let simulations = Simulations::prepare()?;
    let (next, failures) = (AtomicU64::new(first), Mutex::new(Vec::new()));
    let threads = std::thread::available_parallelism().map_or(1, usize::from).min(8);
    std::thread::scope(|scope| {
        for _ in 0..threads {
            scope.spawn(|| {
                loop {
                    let seed = next.fetch_add(1, Ordering::Relaxed);
                    if seed >= first + count {
                        break;
                    }
                    let wrong = match simulations.run(seed, false) {
                        Ok(outcome) => outcome.wrong,
                        Err(error) => vec![format!("it could not be run: {error:#}")],
                    };
                    if !wrong.is_empty() {
                        failures.lock().unwrap().push((seed, wrong));
                    }
                }
            });
        }
    });
    let failures = failures.into_inner()?;
    for (seed, wrong) in &failures {
        println!("seed {seed}: {wrong:#?}");
        println!("to replay it: cargo run -p hugmedo-chat-core --example ledger -- --seed {seed}\n");
    }
    assert!(failures.is_empty(), "{} of {count} seeds", failures.len());
    Ok(())
}

#[test]
fn a_seed_is_the_same_run_every_time() -> Result<()> {
    let (simulations, again) = (Simulations::prepare()?, Simulations::prepare()?);
    for seed in [3, 14, 159, 265, 358] {
        assert_eq!(simulations.run(seed, false)?.hash, again.run(seed, true)?.hash, "seed {seed}");
    }
    Ok(())
}

#[test]
fn twenty_minutes_without_a_network_cost_few_attempts_and_lose_nothing() -> Result<()> {
    for cut in [true, false] {
        let mut scene = Simulations::prepare()?.scene(1)?;
        if cut {
            scene.unplug(0)
        } else {
            scene.silence(0)
        }
        scene.say(0);
        scene.say_elsewhere(false)?;
        scene.until("the loss is noticed", |scene| !scene.is_live(0))?;
        let (attempts, looks) = (scene.attempts(0), scene.looks_at_the_clock(0));
        scene.pass(20 * 60 * SECOND)?;
        let (attempts, looks) = (scene.attempts(0) - attempts, scene.looks_at_the_clock(0) - looks);
        println!("cut {cut}: {attempts} attempts, {looks} looks at the clock");
        assert!(attempts <= 130, "{attempts} attempts");
        assert!(looks <= 3 * 20 * 60, "{looks} looks at the clock are not idle");
        scene.plug_in(0);
        let took = scene.until("live again", |scene| scene.is_live(0))?;
        println!("live again after {took:?}, unhurried");
        scene.pass(10 * SECOND)?;
        assert_eq!(scene.wrong()?, Vec::<String>::new());
    }
    Ok(())
}

#[test]
fn a_half_open_link_is_noticed_within_half_a_minute() -> Result<()> {
    let mut worst = Duration::ZERO;
    let simulations = Simulations::prepare()?;
    for seed in 0..8 {
        let mut scene = simulations.scene(seed)?;
        scene.pass(SECOND * u32::try_from(seed)?)?;
        scene.half_open(0);
        scene.say_elsewhere(false)?;
        let noticed = scene.until("the loss is noticed", |scene| !scene.is_live(0))?;
        worst = worst.max(noticed);
        scene.until("live again", |scene| scene.is_live(0))?;
        scene.pass(10 * SECOND)?;
        assert_eq!(scene.wrong()?, Vec::<String>::new());
    }
    println!("noticed within {worst:?}");
    assert!(worst < 30 * SECOND, "{worst:?}");
    Ok(())
}

#[test]
fn what_came_in_when_the_link_broke_is_told_all_the_same() -> Result<()> {
    let simulations = Simulations::prepare()?;
    for steps in 0..60 {
        let mut scene = simulations.scene(steps)?;
        scene.unplug(0);
        scene.until("the loss is noticed", |scene| !scene.is_live(0))?;
        scene.say_elsewhere(false)?;
        scene.plug_in(0);
        scene.cut_after_answer(0, steps);
        scene.until("live again", |scene| scene.is_live(0))?;
        scene.pass(10 * SECOND)?;
        assert_eq!(scene.wrong()?, Vec::<String>::new(), "after {steps} steps");
        assert_eq!(scene.notified(0), 1, "after {steps} steps");
    }
    Ok(())
}

#[test]
fn what_was_about_to_go_out_when_the_link_broke_goes_out() -> Result<()> {
    let simulations = Simulations::prepare()?;
    for seed in 0..240 {
        let steps = seed % 16;
        let mut scene = simulations.scene(seed)?;
        (0..3).for_each(|_| scene.say(0));
        scene.cut_after_arrival(0, steps);
        scene.pass(10 * SECOND)?;
        assert_eq!(scene.wrong()?, Vec::<String>::new(), "seed {seed}, after {steps} steps");
    }
    Ok(())
}

#[test]
fn a_clock_set_a_day_forward_or_back_holds_nothing_up() -> Result<()> {
    const DAY_MS: i64 = 24 * 60 * 60 * 1000;
    let simulations = Simulations::prepare()?;
    for off_by in [DAY_MS, -DAY_MS] {
        let mut scene = simulations.scene(2)?;
        scene.unplug(0);
        scene.say(0);
        scene.until("the loss is noticed", |scene| !scene.is_live(0))?;
        scene.set_time(0, off_by);
        scene.plug_in(0);
        scene.until("live again", |scene| scene.is_live(0))?;
        scene.say(0);
        scene.set_time(0, 0);
        scene.say(0);
        scene.say_elsewhere(false)?;
        scene.pass(60 * SECOND)?;
        assert_eq!(scene.wrong()?, Vec::<String>::new());
    }
    Ok(())
}

#[test]
fn who_opens_the_lid_is_connected_at_once() -> Result<()> {
    let mut scene = Simulations::prepare()?.scene(3)?;
    let asleep = 600 * SECOND;
    scene.sleep(0, asleep);
    scene.pass(SECOND)?;
    scene.say_elsewhere(false)?;
    scene.pass(asleep - SECOND)?;
    let noticed = scene.until("the sleep is noticed", |scene| !scene.is_live(0))?;
    let live = scene.until("live again", |scene| scene.is_live(0))?;
    println!("the sleep is noticed after {noticed:?}, live again {live:?} later");
    assert!(noticed + live < 5 * SECOND, "{noticed:?} + {live:?}");
    scene.pass(10 * SECOND)?;
    assert_eq!(scene.wrong()?, Vec::<String>::new());
    Ok(())
}

#[test]
fn a_last_event_that_no_socket_heard_is_found_by_itself() -> Result<()> {
    let mut scene = Simulations::prepare()?.scene(4)?;
    scene.pass(30 * SECOND)?;
    scene.say_elsewhere(true)?;
    let found = scene.until("it is counted as unread", |scene| scene.unread(2) == 1)?;
    println!("found after {found:?}");
    assert!(found <= 70 * SECOND, "{found:?}");
    Ok(())
}

#[test]
fn when_the_system_says_that_the_network_is_back_so_is_the_link() -> Result<()> {
    let mut scene = Simulations::prepare()?.scene(5)?;
    scene.silence(0);
    scene.pass(180 * SECOND)?;
    scene.plug_in(0);
    scene.other_network(0);
    let took = scene.until("live again", |scene| scene.is_live(0))?;
    println!("live again after {took:?}, told");
    assert!(took < 5 * SECOND, "{took:?}");
    Ok(())
}
