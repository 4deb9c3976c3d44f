//! A training run that is killed at any moment goes on from its last checkpoint to the same end.
//!
//! The run that is killed is this test binary, started again with one test and a directory to train in.

use std::path::Path;
use std::process::{Command, Stdio};
use std::time::Duration;

use burn::tensor::Device;
use rand::RngExt;
use salient::data::synthetic::{Shop, ShopConfig};
use salient::data::{Interactions, Split, SplitRule};
use salient::parameters::{self, Parameters};
use salient::random::RandomKey;
use salient::tasks::next_item::{NextItemConfig, NextItemData, Recommender, fit};
use salient::training::{Trained, Trainer};

const DIRECTORY: &str = "SALIENT_KILL_DIRECTORY";
const N_KILLS: usize = 50;

/// Trains in `directory`, or in memory alone, with a checkpoint after every step.
fn train(directory: Option<&Path>) -> Trained<Recommender> {
    let shop = ShopConfig {
        n_users: 60,
        ..ShopConfig::default()
    };
    let shop = Shop::simulate(&shop, 5).unwrap();
    let log = Interactions::from_rows(shop.interactions()).unwrap();
    let data = NextItemData::new(&log, &Split::new(&log, SplitRule::LeaveOneOut).unwrap()).unwrap();
    let mut config = NextItemConfig {
        d_model: 16,
        d_ff: 16,
        max_len: 20,
        ..NextItemConfig::default()
    };
    config.training.batch_size = 8;
    config.training.max_epochs = 150;
    config.training.patience = None;
    config.training.checkpoint_every_steps = Some(1);
    let mut trainer = Trainer::new(config.training.clone());
    if let Some(directory) = directory {
        trainer = trainer
            .checkpoint_in(directory, data.fingerprint(&config))
            .resume(true);
    }
    fit(&config, &data, trainer, &Device::flex()).unwrap()
}

fn weights(trained: &Trained<Recommender>) -> Parameters {
    parameters::read(trained.model.model())
}

/// The run to kill. Does nothing when it is run as a test of its own.
#[test]
fn a_run_to_kill() {
    if let Some(directory) = std::env::var_os(DIRECTORY) {
        train(Some(Path::new(&directory)));
    }
}

#[test]
fn fifty_kills_leave_a_checkpoint_that_leads_to_the_same_end() {
    let directory = tempfile::tempdir().unwrap();
    let mut moments = RandomKey::new(11).generator();
    let mut n_killed = 0;
    for _ in 0..N_KILLS {
        let mut run = Command::new(std::env::current_exe().unwrap())
            .args(["--exact", "kill::a_run_to_kill"])
            .env(DIRECTORY, directory.path())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        std::thread::sleep(Duration::from_millis(moments.random_range(20..180)));
        // A run that has ended by itself cannot be killed.
        let ended = run.try_wait().unwrap();
        assert!(
            ended.is_none_or(|status| status.success()),
            "a resumed run failed: {ended:?}"
        );
        n_killed += usize::from(ended.is_none());
        run.kill().unwrap();
        run.wait().unwrap();
    }
    assert!(
        n_killed > N_KILLS / 2,
        "only {n_killed} of {N_KILLS} runs were still going"
    );
    assert!(
        directory.path().join("checkpoint.safetensors").exists(),
        "no run lived to its first checkpoint"
    );
    let resumed = train(Some(directory.path()));
    let whole = train(None);
    assert_eq!(resumed.steps, whole.steps);
    assert!(weights(&resumed) == weights(&whole), "the weights differ");
    assert_eq!(losses(&resumed), losses(&whole));
}

fn losses(trained: &Trained<Recommender>) -> Vec<u64> {
    trained
        .history
        .iter()
        .map(|epoch| epoch.train_loss.to_bits())
        .collect()
}
