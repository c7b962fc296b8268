### 演示、代理与中心端的控制台行。

result-line-plain = #{ $number } { $subject } { $disposition } · { $verdict }
receipt-line = 中心已回执至 #{ $number }
receipt-waiting = 等待中心回执
all-within = 全部要求项目均在限值内
nothing-required = 没有要求判定的项目
why-more = { $first }；另有 { $more } 项
declared-nothing = 未找到申报

demo-page = 通道页面：{ $url }
demo-sign-in = 如需操作，请以 { $user } 登录，密码 { $password }（每次启动不同）
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

### 仪器台账。

register-instrument = 仪器
register-control = 管理方式
register-class = 准确度等级
register-certificate = 证书编号
register-valid-until = 有效期至
register-days-left = 剩余天数
register-standing = 状态
register-checks = 功能核查（UTC）
control-compulsory-verification = 强制检定
control-calibration = 校准
register-check-passed = { $check } 于 { $when } 通过
register-check-waiting = { $check } 尚未进行，应于 { $when } 前完成
register-check-unseen = { $check } 尚无记录
register-check-never = { $check } 从未进行
register-check-overdue = { $check } 已逾期，上次通过 { $when }
register-check-failed = { $check } 于 { $when } 未通过

### 统计。

stats-examinations = 检验次数
stats-retests = 其中同批复检
stats-presented = 受检批次
stats-invalid = 无效批次（作废或未完成）
stats-tested = 已检批次
stats-judged = 已判定批次
stats-pass = 合格（初筛）
stats-conditional-pass = 有条件合格（初筛）
stats-conditional-fail = 有条件不合格（初筛）
stats-fail = 不合格（初筛）
stats-inconclusive = 无法判定（初筛）
stats-not-applicable = 无适用要求
stats-simulated = 含模拟仪器（已计入以上）
stats-coverage = 检测覆盖率
stats-pass-rate = 合格率（初筛）
stats-fail-rate = 不合格率（初筛）
stats-inconclusive-rate = 无法判定率
stats-invalid-rate = 无效率
stats-by-day = 日期
stats-by-week = 周
stats-by-month = 月份
stats-by-place = 地点
stats-by-procedure = 项目
stats-by-table = 限量表
stats-by-hazard = 危害类别
stats-by-origin = 数据来源
stats-total = 合计
stats-no-origin = 未注明
stats-share = { $percent }（{ $numerator } / { $denominator }，分母：{ $of }）
stats-failed-hazard = 不合格危害：{ $hazard }
stats-overlap = 同一批次计入其所涉及的每一组，各组之和不等于合计。
stats-function-checks = 功能核查（另计）：共 { $done } 次，通过 { $passed }，未通过 { $failed }，未完成 { $unfinished }
stats-drills = 演练（另计）：{ $drills } 次
stats-not-understood = 未计入：{ $records } 条由更新版本记录的检验

### Enrolment.
enrol-asked = { $site } 的 { $agent } 正在向中心申请登记。
enrol-fingerprint = 指纹：{ $fingerprint }
enrol-compare = 请用电话或照片把指纹报给中心，由中心的第二个人核对后批准。
enrol-waiting = 等待批准。可以中断，再次执行同一命令即可继续。
enrol-pending = 尚未批准。再次执行同一命令可查询。
enrol-rejected = 中心已拒绝：{ $reason }
enrol-granted = 登记完成。传输证书有效期至 { $until }：{ $certificate }
enrol-renewed = 传输证书已更新，有效期至 { $until }：{ $certificate }
enrol-broker = 中心指定的消息代理为 { $broker }，现场文件中为 { $configured }。
