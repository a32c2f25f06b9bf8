"""Biometric performance figures: pure functions on counts, scores and sketches.

Nothing in this package reads a clock, a file or a bus. One module per idea:

* `intervals`  - Wilson and Clopper-Pearson bounds, trials needed
* `figures`    - `Figure`: a rate with its counts, interval and compliance status
* `edges`      - `EdgeSet`: versioned base grids (scores, durations) and the thresholds in force
* `sketch`     - `Sketch`: mergeable histograms, exact at thresholds in force
* `rates`      - FMR, FNMR, FTA, FAR, FRR, HTER, APCER, BPCER, APNRR, BPNRR from exact counts
* `curves`     - EER, AUC, DET and rates at a fixed rate, from raw scores or from sketches
* `worst_of`   - the status of a maximum over members (PAI species, segments), and the trials still needed
* `paired`, `unpaired` - the difference of two rates of the same, or of different, trials: intervals and exact test
* `multiplicity` - p values corrected for their number: Holm, Benjamini-Hochberg, Benjamini-Yekutieli
* `baseline`   - the guarded 2 x baseline rule
* `cusum`, `run_length` - Bernoulli and Poisson CUSUM charts, and what their limits promise
* `e_detector`, `e_process`, `betting` - evidence that may be looked at at any time
* `dispersion`, `clusters` - how much more counts vary than independent trials would
* `trend`      - does a rate of events grow over periods
* `drift`, `day_permutation` - how far two distributions are apart, and whether that is more than days differ
* `fairness`, `homogeneity` - how unequal error rates of groups are, and whether that is more than chance
* `weighting`, `nowcast` - labels that were drawn unevenly, or that come late
* `logistic`, `stability`, `calibration`, `discrimination` - a model of the truth, and whether it still holds
* `threshold_search` - the threshold that is shown to keep a limit
* `trials`     - labelled trials grouped by cohort and class, and their outcome counts
* `curve_figures`, `evaluation` - all of the above put together into one evaluation

Import from the modules themselves: a service that only fills sketches must not pay for numpy and scipy.
"""
