### The sentence of one judged row. $parameter is a name already, $value and $limit carry their units.

finding-Pass = { $parameter } { $value } within { $limit } ({ $table }, row { $row })
finding-ConditionalPass = { $parameter } { $value } within { $limit }, closer to it than the uncertainty ({ $table }, row { $row })
finding-ConditionalFail = { $parameter } { $value } outside { $limit }, by less than the uncertainty ({ $table }, row { $row })
finding-Fail = { $parameter } { $value } outside { $limit } ({ $table }, row { $row })
finding-Inconclusive = { $parameter } { $value } not decided: { $why } ({ $table }, row { $row })
finding-Inconclusive-bare = { $parameter } not decided: { $why } ({ $table }, row { $row })
finding-NotApplicable = { $parameter }: this row does not apply ({ $table }, row { $row })
finding-stage = stage { $stage }: { $finding }
limit-absent = absent
limit-class = class { $class }
limit-class-or-better = class { $class } or better
