"""Sweeps: functions that act entry by entry, on every backend, at every number that a format of 16 bits has and at a
dense sample of the others, in calls on whole arrays. `run` finds the rows of the table of accuracy, a JSON object each:

- `function`, `backend`, `device`, `dtype`, `mode` ("reverse", "forward", "compiled"): names as everywhere.
- `quantity`: "value", or the argument in which the slope is taken ("x").
- `inputs`: how many were tried; `every`: whether these are all finite numbers of the format.
- `no_truth`: at how many there is no value or slope that ball arithmetic can tell (outside of the domain, at a pole);
  `kinks`: at how many something ties and there is no slope. Neither is judged.
- `compared`: how many of the others have a truth in the format's range and a finite answer. Shares are of these.
- `ulp`: the largest error among them, in units in the last place of the truth; `input` (a list, one hex float for each
  argument), `got` and `truth` (hex floats, the truth rounded to float64) say where. Absent where nothing was compared.
- `correct`: the share that is correctly rounded; `beyond_1`, `beyond_4`, `beyond_16`: the shares with larger errors.
- `profile`: of one argument at all numbers of 16 bits, the largest error among each 256 neighbours, from the most
  negative number to the largest (`gradproof.report.rows.profile` numbers them): in ulp, three digits, rounded up; "inf"
  where an answer is infinite or NaN and the truth is not; null where nothing was compared.
- `nonfinite`: how many answers are infinite or NaN where the truth, rounded, is finite; `finite`: how many are finite
  where the truth lies beyond the largest number. `nonfinite_input`, `finite_input`: one of them, hex floats.
- `flushed`: how many answers are 0 where the truth is subnormal; `as_zero`: at how many subnormal inputs the answer is
  that for 0. They are not among the compared.
- `seconds`: what one call of the backend on all inputs took, values and slopes, after one that compiles;
  `truth_seconds`: what finding their truth took, or reading it where it was kept.
- `version` of the backend, `machine`, `source` (a digest of the inputs and of all that the truth depends on).

A backend that refuses gives one row with `refused`, the reason, and no numbers; its `quantity` is ""."""
