//! Median and quartiles of a handful of samples, which is all that a noisy machine allows to say.

/// What many samples of one figure come to.
#[derive(Clone, Copy, PartialEq, Debug)]
pub(crate) struct Spread {
    /// A quarter of the samples lie below.
    pub(crate) low: f64,
    /// Half of them.
    pub(crate) median: f64,
    /// Three quarters.
    pub(crate) high: f64,
    /// How many there were.
    pub(crate) samples: usize,
}

impl Spread {
    /// Of these samples; `None` when there are none.
    pub(crate) fn of(mut samples: Vec<f64>) -> Option<Spread> {
        samples.sort_by(f64::total_cmp);
        Some(Spread {
            low: quantile(&samples, 0.25)?,
            median: quantile(&samples, 0.5)?,
            high: quantile(&samples, 0.75)?,
            samples: samples.len(),
        })
    }

    /// A figure that does not vary, as a count.
    pub(crate) fn exactly(value: f64) -> Spread {
        Spread {
            low: value,
            median: value,
            high: value,
            samples: 1,
        }
    }
}

/// What a machine that changes its speed makes of one figure: consecutive parts of the samples, the
/// largest of their medians ÷ the smallest. 1 when there are too few samples to say.
pub(crate) fn drift(samples: &[f64]) -> f64 {
    let parts = if samples.len() < 16 { 2 } else { 4 };
    let parts = samples.chunks(samples.len().div_ceil(parts).max(1));
    let medians: Vec<f64> = parts
        .filter_map(|part| Some(Spread::of(part.to_vec())?.median))
        .collect();
    let largest = medians.iter().copied().max_by(f64::total_cmp);
    let smallest = medians.iter().copied().min_by(f64::total_cmp);
    let ratio = largest.zip(smallest);
    ratio.map_or(1.0, |(largest, smallest)| largest / smallest)
}

/// The quantile of sorted samples, linear between neighbours.
fn quantile(sorted: &[f64], fraction: f64) -> Option<f64> {
    let place = fraction * sorted.len().checked_sub(1)? as f64;
    let (below, above) = (
        sorted[place.floor() as usize],
        sorted[place.ceil() as usize],
    );
    Some(below + (above - below) * place.fract())
}

/// The mean of ratios: the n-th root of their product.
pub(crate) fn geometric_mean(ratios: &[f64]) -> Option<f64> {
    let logarithms: f64 = ratios.iter().map(|ratio| ratio.ln()).sum();
    (!ratios.is_empty()).then(|| (logarithms / ratios.len() as f64).exp())
}
