//! What goes wrong in a run is named with its place.

use super::*;

#[test]
fn a_loss_that_is_not_a_number_is_named_with_its_step() {
    let points = Points {
        poisoned: Some(3),
        ..Points::new(23)
    };
    let error = refusal(config(), &points);
    let TrainingError::NotFinite {
        quantity,
        epoch,
        step,
        learning_rate,
        last_finite_loss,
    } = &error
    else {
        panic!("{error}");
    };
    assert_eq!((quantity, *epoch), (&Quantity::Loss, 1));
    assert_eq!(*learning_rate, 0.05);
    assert_eq!(last_finite_loss.is_some(), *step > 1);
    let expected =
        format!("the loss is not finite at step {step} of epoch 1, at learning rate 0.05");
    assert!(error.to_string().starts_with(&expected), "{error}");
    assert!(
        error
            .to_string()
            .ends_with("lower the learning rate, warm up longer or clip harder")
    );
}

#[test]
fn a_gradient_that_overflows_is_named_by_its_weight() {
    // The loss is finite, the square of its gradient is not.
    struct Steep;
    impl Objective for Steep {
        type Model = Line;
        type Batch = ();
        fn n_examples(&self) -> usize {
            1
        }
        fn batch(&self, _: &[usize], _: RandomKey) -> Result<(), BoxedError> {
            Ok(())
        }
        fn loss(&self, model: &Line, _: &(), _: Mode) -> Result<Loss, BoxedError> {
            Ok(Loss {
                mean: model.idle.val().mul_scalar(1e30).sum(),
                weight: 1.0,
            })
        }
    }
    let error = Trainer::new(config()).fit(Line::new(), &Steep).unwrap_err();
    let TrainingError::NotFinite { quantity, .. } = error else {
        panic!("{error}");
    };
    let parameter = "idle".to_owned();
    assert_eq!(quantity, Quantity::Gradient { parameter });
}

#[test]
fn what_an_objective_gets_wrong_is_named() {
    let empty = refusal(config(), &Points::new(0));
    assert_eq!(empty.to_string(), "there are no training examples");

    let unusable = Points {
        unusable: Some(2),
        ..Points::new(5)
    };
    let error = refusal(config(), &unusable);
    assert!(matches!(
        error,
        TrainingError::Objective {
            activity: Activity::Batch,
            epoch: 1,
            step: 1,
            ..
        }
    ));
    assert_eq!(
        error.to_string(),
        "making a batch failed at step 1 of epoch 1"
    );
    let source = std::error::Error::source(&error).unwrap();
    assert_eq!(source.to_string(), "this example is unusable");

    for (weight_of_loss, message) in [
        (
            -1.0,
            "the loss of step 1 has weight -5: it must be finite and not negative",
        ),
        (
            0.0,
            "no batch of epoch 1 has a target: every loss has weight 0",
        ),
    ] {
        let points = Points {
            weight_of_loss,
            ..Points::new(5)
        };
        assert_eq!(refusal(config(), &points).to_string(), message);
    }
}

#[test]
fn a_deciding_metric_that_is_missing_or_not_finite_is_named() {
    let scripted = Scripted::new(&[f64::NAN]);
    let error = Trainer::new(config())
        .fit(Line::new(), &scripted)
        .unwrap_err();
    assert_eq!(
        error.to_string(),
        "validation of epoch 1 gives score = NaN: the metric that decides must be finite"
    );

    struct Misnamed(Points);
    impl Objective for Misnamed {
        type Model = Line;
        type Batch = PointBatch;
        fn n_examples(&self) -> usize {
            self.0.n_examples()
        }
        fn batch(&self, examples: &[usize], key: RandomKey) -> Result<PointBatch, BoxedError> {
            self.0.batch(examples, key)
        }
        fn loss(&self, model: &Line, batch: &PointBatch, mode: Mode) -> Result<Loss, BoxedError> {
            self.0.loss(model, batch, mode)
        }
        fn validate(&self, _: &Line) -> Result<Option<Validation>, BoxedError> {
            Ok(Some(Validation::new(
                "ndcg_at_10",
                [("hit_rate_at_10", 0.5), ("mrr_at_10", 0.1)],
            )))
        }
    }
    let error = Trainer::new(config())
        .fit(Line::new(), &Misnamed(Points::new(5)))
        .unwrap_err();
    assert_eq!(
        error.to_string(),
        "validation of epoch 1 does not report \"ndcg_at_10\", the metric that decides; it reports hit_rate_at_10, mrr_at_10"
    );
}
