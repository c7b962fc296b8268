### 一行判定的句子。$parameter 已是项目名称，$value 与 $limit 已带单位。

finding-Pass = { $parameter } { $value }，符合 { $limit }（{ $table }，{ $row } 行）
finding-ConditionalPass = { $parameter } { $value }，在 { $limit } 之内，但距限值小于测量不确定度（{ $table }，{ $row } 行）
finding-ConditionalFail = { $parameter } { $value }，超出 { $limit }，但超出量小于测量不确定度（{ $table }，{ $row } 行）
finding-Fail = { $parameter } { $value }，超出 { $limit }（{ $table }，{ $row } 行）
finding-Inconclusive = { $parameter } { $value }，无法判定：{ $why }（{ $table }，{ $row } 行）
finding-Inconclusive-bare = { $parameter }无法判定：{ $why }（{ $table }，{ $row } 行）
finding-NotApplicable = { $parameter }：本行不适用（{ $table }，{ $row } 行）
finding-stage = 第 { $stage } 阶段：{ $finding }
limit-absent = 不得检出
limit-class = 等级 { $class }
limit-class-or-better = 等级 { $class } 或更优
