### The monitoring plan: findings that are followed up, warnings proposed, deadlines, draws.

rejection-no-list = no accepted laboratories are listed
rejection-unknown-body = the laboratory is not listed
rejection-not-valid = the laboratory is not accepted on the date of the report
rejection-not-yet = the report is dated in the future
rejection-too-old = the report is too old
rejection-goods = the laboratory is not accepted for these goods
rejection-parameter = the laboratory is not accepted for this parameter
rejection-method = the laboratory is not accepted for this method

warning-level-I = level I (red)
warning-level-II = level II (orange)
warning-level-III = level III (yellow)
warning-level-IV = level IV (blue)

hazard-health = health
hazard-physical = physical
hazard-chemical = chemical
hazard-biological = biological
hazard-environmental = environmental

deadline-kind-report = report
deadline-kind-feedback = feedback
deadline-state-due = due
deadline-state-at-risk = little time left
deadline-state-met = kept
deadline-state-missed = missed
deadline-state-late = done late

plan-summary = Plan { $plan }, version { $version }, in force from { $from }: { $items ->
    [one] 1 item
   *[other] { $items } items
}, { $deadlines ->
    [one] 1 deadline
   *[other] { $deadlines } deadlines
}
plan-in-force = Plan in force: { $plan }, version { $version }
plan-none = No plan is in force.
plan-version-stands = An agent takes a plan only with a higher version; both have changes and this one is still { $version }.

findings-none = No finding needs a second look.
finding-line = #{ $record } { $inspection } { $subject }: { $disposition }; { $state }
finding-line-drill = #{ $record } { $inspection } { $subject }: { $disposition }; { $state } (exercise)
deadline-line = { $deadline }: { $kind }, { $state }, until { $due }

follow-up-recorded = Recorded. { $inspection } is now: { $state }
follow-up-rejected = The result does not count: { $reason } ({ $why })
report-sent-recorded = Recorded: { $deadline }

draw-selected = { $lot }: SELECTED (item { $item }, ticket { $ticket }, class { $class }, { $rate } %)
draw-not-selected = { $lot }: not selected (item { $item }, ticket { $ticket }, class { $class }, { $rate } %)

audit-nothing = These records hold no draws.
audit-sound = Plan { $plan }, item { $item }, commitment { $commitment }: every draw comes out the same again.
audit-open = Plan { $plan }, item { $item }, commitment { $commitment }: the seed is not revealed yet, so the draws are counted and not repeated.
audit-faulty = Plan { $plan }, item { $item }, commitment { $commitment }: something does not hold.
audit-class = class { $class }, rate { $rate } %: { $selected } of { $presented } selected
audit-more-faults = and { $count } more
