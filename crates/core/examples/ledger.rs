//! Runs the simulated ledger over many seeds: `cargo run --release -p hugmedo-chat-core --example ledger -- --seeds 10000`.
//! The last lines are the numbers. One seed with everything that happens in it: `... -- --seed 42`.

#![allow(clippy::print_stdout, reason = "a command line speaks by printing")]

use std::{
    process::ExitCode,
    sync::{
        Mutex, PoisonError,
        atomic::{AtomicU64, Ordering},
    },
    time::Instant,
};

use anyhow::Result;
use clap::Parser;
use hugmedo_chat_testkit::simulation::{Simulations, Tally};

#[derive(Parser)]
struct Options {
    /// The one seed to run, with a line for everything that happens.
    #[arg(long)]
    seed: Option<u64>,
    /// How many seeds to run.
    #[arg(long, default_value_t = 1_000)]
    seeds: u64,
    /// The first of them.
    #[arg(long, default_value_t = 1)]
    from: u64,
    /// Stop at the first failure.
    #[arg(long)]
    until_failure: bool,
    /// How many at a time.
    #[arg(long, default_value_t = 2)]
    threads: u64,
}

fn main() -> Result<ExitCode> {
    let options = Options::parse();
    let simulations = Simulations::prepare()?;
    if let Some(seed) = options.seed {
        let outcome = simulations.run(seed, true)?;
        outcome.lines.iter().for_each(|line| println!("{line}"));
        println!("seed {seed}: {:?}, trace {:016x}", outcome.tally, outcome.hash);
        outcome.wrong.iter().for_each(|wrong| println!("WRONG: {wrong}"));
        return Ok(if outcome.wrong.is_empty() { ExitCode::SUCCESS } else { ExitCode::FAILURE });
    }
    let began = Instant::now();
    let (next, failures) = (AtomicU64::new(options.from), AtomicU64::new(0));
    let total = Mutex::new(Tally::default());
    std::thread::scope(|scope| {
        for _ in 0..options.threads {
            scope.spawn(|| {
                loop {
                    let seed = next.fetch_add(1, Ordering::Relaxed);
                    let enough = options.until_failure && failures.load(Ordering::Relaxed) > 0;
                    if seed >= options.from + options.seeds || enough {
                        break;
                    }
                    match simulations.run(seed, false) {
                        Ok(outcome) => {
                            *total.lock().unwrap_or_else(PoisonError::into_inner) += outcome.tally;
                            if !outcome.wrong.is_empty() {
                                failures.fetch_add(1, Ordering::Relaxed);
                                println!("seed {seed}, again by `--seed {seed}`: {:#?}", outcome.wrong);
                            }
                        }
                        Err(error) => {
                            failures.fetch_add(1, Ordering::Relaxed);
                            println!("seed {seed} could not be run: {error:#}");
                        }
                    }
                }
            });
        }
    });
    let failures = failures.into_inner();
    println!("{:#?}", total.into_inner().unwrap_or_else(PoisonError::into_inner));
    println!("{} seeds, {failures} failures, {:.1?}", options.seeds, began.elapsed());
    Ok(if failures == 0 { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}
