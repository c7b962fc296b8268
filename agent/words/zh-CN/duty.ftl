### 监测计划：需跟踪处置的发现、预警建议、时限、抽样。

rejection-no-list = 没有采信机构名单
rejection-unknown-body = 该机构不在采信名单内
rejection-not-valid = 报告日期不在该机构采信有效期内
rejection-not-yet = 报告日期晚于今天
rejection-too-old = 报告已超过采信时限
rejection-goods = 该机构的采信范围不含此类商品
rejection-parameter = 该机构的采信范围不含此项目
rejection-method = 该机构的采信范围不含此方法

warning-level-I = Ⅰ级（红色）
warning-level-II = Ⅱ级（橙色）
warning-level-III = Ⅲ级（黄色）
warning-level-IV = Ⅳ级（蓝色）

hazard-health = 健康危害
hazard-physical = 物理危害
hazard-chemical = 化学危害
hazard-biological = 生物危害
hazard-environmental = 环境危害

deadline-kind-report = 报告
deadline-kind-feedback = 反馈
deadline-state-due = 期限内
deadline-state-at-risk = 即将到期
deadline-state-met = 已按时完成
deadline-state-missed = 已逾期
deadline-state-late = 逾期完成

plan-summary = 计划 { $plan }，第 { $version } 版，自 { $from } 起生效：{ $items } 个监测项，{ $deadlines } 个时限
plan-in-force = 现行计划：{ $plan }，第 { $version } 版
plan-none = 没有现行的监测计划。
plan-version-stands = 监测端只接受版本号更高的计划；内容已有改动，而版本号仍为 { $version }。

findings-none = 没有需要跟踪处置的发现。
finding-line = #{ $record } { $inspection } { $subject }：{ $disposition }；{ $state }
finding-line-drill = #{ $record } { $inspection } { $subject }：{ $disposition }；{ $state }（演练）
deadline-line = { $deadline }：{ $kind }，{ $state }，截止 { $due }

follow-up-recorded = 已记录。{ $inspection } 现状态：{ $state }
follow-up-rejected = 该结果不予采信：{ $reason }（{ $why }）
report-sent-recorded = 已记录：{ $deadline }

draw-selected = { $lot }：抽中（监测项 { $item }，签号 { $ticket }，{ $class } 类，{ $rate } %）
draw-not-selected = { $lot }：未抽中（监测项 { $item }，签号 { $ticket }，{ $class } 类，{ $rate } %）

audit-nothing = 这些记录中没有抽样。
audit-sound = 计划 { $plan }，监测项 { $item }，承诺值 { $commitment }：逐签复算，结果一致。
audit-open = 计划 { $plan }，监测项 { $item }，承诺值 { $commitment }：种子尚未公开，只计数，未复算。
audit-faulty = 计划 { $plan }，监测项 { $item }，承诺值 { $commitment }：有不符之处。
audit-class = { $class } 类，抽样率 { $rate } %：{ $presented } 个中抽中 { $selected } 个
audit-more-faults = 另有 { $count } 处
