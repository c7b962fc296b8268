### 演示、代理与中心端的控制台行。

result-line = #{ $number } { $subject } { $disposition } · { $verdict } · { $why }
result-line-plain = #{ $number } { $subject } { $disposition } · { $verdict }
interval-line = #{ $number } { $watch } { $from }–{ $to } 收到 { $received }/{ $expected }
receipt-line = 中心已回执至 #{ $number }
receipt-waiting = 等待中心回执
all-within = 全部要求项目均在限值内
nothing-required = 没有要求判定的项目
why-more = { $first }；另有 { $more } 项
declared-nothing = 未找到申报

demo-page = 通道页面：{ $url }
demo-started = 演示已启动：{ $lanes } 条通道，{ $rigs } 个试验台，{ $instruments } 台模拟仪器。按 Ctrl-C 结束。
demo-simulated = 所有数据均为模拟，并在签名内容中标明。
demo-draining = 正在结束：等待 { $left } 条记录的回执
demo-summary = 封存 { $sealed }，发布 { $published }，接收 { $received }，验签 { $verified }，回执 { $receipted }，不良 { $bad }，缺口 { $gaps }
demo-data = 数据目录：{ $dir }

uplink-connected = 已连接 { $broker }
uplink-lost = 连接断开：{ $cause }；{ $seconds } 秒后重连
instrument-up = 仪器 { $instrument } 正常
instrument-lost = 仪器 { $instrument } 无数据：{ $why }

collector-listening = 中心端已就绪：{ $broker }，库 { $store }
collector-record = { $agent } #{ $number } { $disposition } · { $verdict }
collector-duplicate = { $agent } #{ $number } 重复，已合并
collector-gap = { $agent } 缺 #{ $first } 至 #{ $last }，已要求重发
collector-bad = { $agent } #{ $number } 拒收：{ $why }
collector-fork = { $agent } #{ $number } 出现两个不同内容：已作为证据保存
collector-mismatch = { $agent } #{ $number } 复算结果与记录不一致

### 非结果记录，每条一行。

kind-genesis = 记录链开始
kind-stopped = 自此未在记录：{ $why }
kind-resumed = 恢复记录；期间拒收 { $refused } 条结果
kind-recovery = 上次未正常结束，现已恢复；{ $interrupted } 次检验被中断
kind-shutdown = 正常停止
kind-follow-up = { $inspection } 后续处置：{ $step }（{ $by }），现状态 { $state }
kind-warning = 预警建议（{ $state }）：{ $level } 级，{ $notice }：{ $matters }
kind-unknown = 本版本不识别的内容

event-operator-start = { $operator } 在 { $place } 开始 { $subject }
event-operator-next = { $operator }：{ $place } 下一个平行样
event-operator-stop = { $operator } 结束 { $place } 的试验
event-subject-posted = { $operator } 录入 { $subject } 的申报信息
event-link-down = { $subject } 连接中断
event-link-up = { $subject } 已恢复连接
event-identity-seen = { $subject } 已报告自身标识
event-identity-changed = { $subject } 报告的标识与之前不同
event-identity-mismatch = { $subject } 不是登记的仪器
event-portal-setup-seen = 已读取 { $subject } 的报警参数
event-portal-setup-changed = { $subject } 的报警参数已被更改
event-portal-fault-raised = { $subject } 报告故障
event-portal-fault-cleared = { $subject } 故障已消除
event-portal-occupancy-lost = { $subject } 计数的车次中有本机未见到的
