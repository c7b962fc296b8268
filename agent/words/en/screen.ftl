### The steps of a judgement one by one, and what the commands screen and limits print. Values carry their units.

step-method = rule: { $decision }; comparison: { $compare }
step-counting = counts are compared with the background
step-absence = nothing may be there: the value must be zero
step-ordinal = grades are compared by their order
step-classing = a class is looked up after rounding
step-age = a declared date is compared with the sampling date
step-applies = applies: { $fact } = { $declared }
step-other-case = does not apply: { $fact } = { $declared }, the row is for { $wanted }
step-not-declared = { $fact } is not declared
step-not-named = no row of the table names { $fact } = { $declared }
step-other-value = does not apply: { $parameter } is { $value }, the row is for { $limit }
step-not-measured = { $parameter } was not measured
step-ambiguous = { $parameter } has several values that differ, and nothing tells which is meant
step-no-value = no value: { $missing }
step-value = value { $value } ({ $instrument })
step-not-decisive = the value may not be judged: { $quality }
step-noted = note: { $quality }
step-foreign-unit = { $found } is no unit of what { $wanted } measures
step-converted = converted: { $from } → { $to } ({ $factor })
step-declared-converted = declared value converted: { $from } → { $to } ({ $factor })
step-bad-declaration = the declared { $fact } "{ $declared }" cannot be used
step-foreign-declaration = the declared { $fact } "{ $declared }" cannot be converted to { $wanted }
step-basis = { $from } → { $to } at moisture { $moisture } %: { $value }
step-no-basis = the limit is stated { $wanted }: { $lack }
step-net = net of background { $net }
step-deviation = difference from what is declared { $deviation }
step-sum = sum: { $terms }
step-sum-lacking = part of the sum: { $terms }; lacking { $lacking }
step-load = load { $load } is { $intervals } e, e = { $interval }
step-beyond = the row does not reach { $what }
step-rounded = rounded once: { $from } → { $to }
step-uncertainty = expanded uncertainty U = { $uncertainty } (k = 2)
step-no-uncertainty = no usable uncertainty
step-guard = guard band w = { $z } u = { $width }
step-probability = probability of conformity { $probability } (U = { $uncertainty }, k = 2)
step-no-grade = { $value } is no grade (1, 1-2 … 5)
step-class = class { $found }
step-poisson = low background: Poisson at the one-sided probability of { $k } σ
step-days = { $fact } { $date }, { $days } days before sampling
step-derived = taken as { $derivation } ({ $instrument })
step-not-loaded = limit table { $table } is not loaded
step-not-in-force = limit table { $table } has no edition in force on { $at }
step-two-editions = two editions of limit table { $table } came into force on { $day }
step-no-row = the table has no row for { $parameter }
step-between = no row takes all that is declared together

decision-simple = simple acceptance
decision-guarded = guarded (pass or fail)
decision-non-binary = non-binary (ILAC-G8)
decision-jjf-1094 = JJF 1094
compare-full = all digits
compare-rounded = rounded value
basis-as-received = as received
basis-dry = dry
lack-no-basis = the value states none
lack-calorific = a calorific value does not change by its mass alone
lack-no-moisture = moisture was not measured
lack-moisture-basis = moisture is not stated as received
lack-moisture-range = the moisture is no share of a mass

fact-axles = axles
fact-category = category
fact-consignee = consignee
fact-drive-axle = drive axle
fact-goods = goods
fact-hs-code = HS code
fact-mass = declared mass
fact-origin = origin
fact-risk = risk class
fact-scrap = scrap
fact-vehicle = vehicle

force-mandatory = mandatory
force-recommended = recommended
force-voluntary = voluntary
force-guide = guide
force-site = the site's own

instrument-typed = typed by hand

screen-table = { $title } ({ $table }, edition { $edition }, { $force }, in force from { $from })
screen-replay = judged for the sampling date { $at }
screen-unit-taken = { $parameter }: no unit written, { $unit } taken from the table
screen-basis-taken = moisture: no basis written, taken as received
screen-limit = limit { $limit }
screen-verdict = result: { $verdict }
screen-verdict-why = result: { $verdict } — { $why }
screen-source = source: { $source } ({ $confidence })
screen-method = method: { $method }
screen-note = note: { $note }
screen-aside = rows that do not apply: { $rows }
screen-overall = all together: { $verdict }

limits-sound = limit tables: { $tables }; programmes: { $programmes }; no fault
limits-in-force = in force
limits-not-in-force = not in force on { $at }
limits-rows = { $rows ->
    [one] { $rows } row
   *[other] { $rows } rows
}
limits-until = to { $to }
limits-open = still open
limits-same = no difference
limits-added = row { $row } added: { $limit }
limits-removed = row { $row } removed: { $limit }
limits-changed = row { $row }, { $field }: { $old } → { $new }
