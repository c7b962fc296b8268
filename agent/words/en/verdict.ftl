### Verdicts and dispositions. Every verdict is a pre-screen, never a statutory result.

verdict-Pass = Pass (pre-screen)
verdict-ConditionalPass = Conditional pass (pre-screen)
verdict-ConditionalFail = Conditional fail (pre-screen)
verdict-Fail = Fail (pre-screen)
verdict-Inconclusive = Inconclusive (pre-screen)
verdict-NotApplicable = Not applicable (pre-screen)

disposition-clear = CLEAR
disposition-refer = REFER
disposition-alarm = ALARM
disposition-not-valid = SCAN AGAIN
disposition-not-recording = NOT RECORDING

# What the staff do next
do-clear = May proceed.
do-refer = Direct to the inspection area; an inspector decides.
do-alarm = Stop it here, it may not go on; call the officer on duty.
do-alarm-radiation = Stop the vehicle, keep people away, call the radiation safety officer or the officer on duty.
do-not-valid = This scan is void: pass through again.
do-not-recording = Use the paper procedure.

reason-incomplete = the inspection is incomplete
reason-not-measured = a required quantity was not measured
reason-no-value = there is no value
reason-quality = the value may not be used to decide
reason-no-background = there is no background to compare with
reason-no-declaration = nothing is declared
reason-not-covered = no limit covers what is declared
reason-uncertainty = the measurement uncertainty is missing or too large
reason-unit = the unit cannot be converted
reason-basis = the basis (dry, as received) is unknown or cannot be converted
reason-no-edition = no edition of the limit table is in force on that day
reason-arithmetic = the numbers exceed exact arithmetic

alarm-mismatch = The instrument's alarm and our recomputation disagree; the stricter one counts.
