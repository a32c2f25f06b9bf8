"""Biometric performance figures: pure functions on counts, scores and sketches.

Nothing in this package reads a clock, a file or a bus. One module per idea:

* `intervals`  - Wilson and Clopper-Pearson bounds, trials needed
* `figures`    - `Figure`: a rate with its counts, interval and compliance status
* `edges`      - `EdgeSet`: versioned base grids (scores, durations) and the thresholds in force
* `sketch`     - `Sketch`: mergeable histograms, exact at thresholds in force
* `rates`      - FMR, FNMR, FTA, FAR, FRR, HTER, APCER, BPCER, APNRR, BPNRR from exact counts
* `curves`     - EER, AUC, DET and rates at a fixed rate, from raw scores or from sketches
* `paired`     - the difference of two rates of the same trials: interval, exact McNemar test, Holm
* `baseline`   - the guarded 2 x baseline rule
* `trials`     - labelled trials grouped by cohort and class, and their outcome counts
* `curve_figures`, `evaluation` - all of the above put together into one evaluation

Import from the modules themselves: a service that only fills sketches must not pay for numpy and scipy.
"""
