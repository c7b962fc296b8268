### 页面：标题、表单，以及 lane.ftl 固定句子周围的文字。

# 页框
page-overview = 全部位置
page-statistics = 统计
page-skip = 跳到正文
page-ways = 页面
page-operator = 操作员
page-no-place = 没有这个位置。请从页面上方的链接进入。
page-full = 同时打开的页面过多。请关闭不用的页面；本页会自动重试。
page-lost = 与采集代理的连接中断，已持续

# 大字与固定句子，见 lane.ftl
stage-unknown = 状态未知
stage-starting = 正在启动
stage-open = 检测中
stage-waiting = 等待
page-starting = 仪器尚未送出任何数据。
not-recording-now = 未在记录 — { $cause }。请改用纸质流程。
cause-stopping = 采集代理正在停止
cause-fork = 中心签收的记录与本机不一致
do-unknown = 在本页恢复之前请改用纸质流程。
do-starting = 请稍候；仪器就绪前不要开始检测。
do-open = 请等待结果。
do-waiting = 可以放入下一个检测对象。
do-unanswering = { $instrument } 无应答：恢复之前请让下一个等待，或改用纸质流程。
do-refer-no-declaration = 没有申报信息：请查明并录入申报内容，然后转查验人员处理。
do-refer-incomplete = 检测未完成：请重新通过检测；仍不完整时转人工查验。
do-refer-quality = 测得值不可用于判定：请用另一台在检定有效期内的仪器复测，或转人工查验。
do-rig-clear = 所测项目在限值之内，按程序放行样品。
do-rig-refer = 保留样品，通知负责人员，用标准方法复核。
do-rig-alarm = 停止检测，封存样品，通知值班领导。
do-rig-not-valid = 本次检测无效，请重做。
do-rig-open = 按下方提示操作，等待结果。
do-rig-waiting = 扫描样品编号即可开始。
do-rig-refer-incomplete = 检测未完成：请重做；仍不完整时通知负责人员。
do-rig-refer-no-declaration = 没有申报信息：请查明样品类别并录入，然后重做。
page-old = 此结果已过 { $age }，不属于下一个检测对象
page-more = 另有 { $count } 项
page-advisory = { $finding }（仅供参考）
page-refused = 停止记录以来未能记录 { $count } 条
page-plan = 监测计划 { $plan }
page-in-force = 自 { $since } 起施行（{ $days } 天）
age-seconds = { $count } 秒
age-minutes = { $count } 分钟
age-hours = { $count } 小时
age-days = { $count } 天

# 检测对象
container-holds = 校验码正确（ISO 6346）
container-corrected = 识读有误，已按校验码更正（ISO 6346）
container-fails = 校验码不符（ISO 6346），请核对箱号

# 实时值与曲线
heading-live = 实时值
live-stable = 稳定
live-moving = 变动中
trend-now = 本次检测
trend-last = 上一次检测
plot-told = { $name }：{ $span } 内由 { $least } 至 { $most }

# 提示
heading-notices = 请注意
notice-drill = { $place } 处于演练状态（{ $operator }，自 { $since } 起）：结果不作为正式结果
notice-check = { $instrument } 正在进行功能核查 { $check }：其读数不用于检测
notice-down = { $instrument }：线路中断
notice-missing = { $instrument }：{ $why }
notice-register = { $instrument }：{ $why }
notice-limits-stale = 已签名的限值表未能按期更新
notice-log-fork = 中心的日志自相矛盾：{ $why }
notice-overdue = 中心回执逾期：最早的记录已等待 { $age }
notice-refused = 消息服务器已拒收 { $count } 次
notice-no-subscriber = 中心未在接收：{ $count } 次发送无人订阅

# 仪器
page-reading = 最新读数
page-link = 线路
page-verification = 检定与核查
link-up = 正常
link-down = 中断
link-unknown = 未知
page-valid = 有效期至 { $until }，剩余 { $days } 天
page-expired = 已于 { $until } 到期，超期 { $days } 天
page-never = 从未通过
page-check-due = 功能核查 { $check }：应于 { $due } 前通过

# 台架
heading-run = 检测进度
heading-checks = 功能核查
run-none = 没有正在进行的检测
run-open = { $id }，已进行 { $age }
run-elapsed = 台架计时 { $elapsed }
run-stage = 第 { $stage } 段，{ $lasts }：{ $held }
run-quantity = 项目
run-values = 测得值
run-count = 次数
run-state = 状态
run-full = 已齐
run-wanting = 待测
awaits-mass = 等待稳定的称重值
awaits-portal = 等待车辆通过门式检测
awaits-leaving = 等待移离秤台
awaits-identity = 等待识别结果
awaits-steady = 等待示值稳定
awaits-next = 本次平行样已接受：请取出电极冲洗，放入下一份
awaits-background = 正在测本底：完成后放入样品并按“下一步”
awaits-values = 等待更多测得值
awaits-programme = 台架正在按程序运行
rig-forms = 操作
rig-start = 开始
rig-next = 下一步
rig-stop = 结束
rig-enter = 录入
drill-on = 开始演练
drill-off = 结束演练
done-start = 已开始，并已记录。
done-next = 已进入下一步，并已记录。
done-stop = 已结束，并已记录。
done-enter = 已录入，并已记录。
done-drill-on = 演练已开始，并已记录。
done-drill-off = 演练已结束，并已记录。
refused-operator = 请填写操作员姓名（不超过 200 字节）。
refused-sample = 请扫描或填写样品编号（不超过 200 字节，不含控制字符）。
refused-values = 请至少填写一个值。
refused-busy = 采集代理正忙或正在停止，请重试。
refused-not-recorded = 未能记录，因此没有执行：{ $why }
refused-running = 正在检测样品 { $sample }，请先结束。
refused-idle = 没有正在进行的检测，请先扫描样品编号开始。
refused-not-here = 此台架按自身程序运行，没有这一步。
refused-check-running = 功能核查 { $check } 尚未结束：请清空仪器，或结束核查。
refused-check-idle = 功能核查 { $check } 未在进行，请先开始。
refused-in-use = 所需仪器正被 { $by } 使用，请等待。
refused-under-check = 仪器正在进行功能核查 { $check }，请等待其结束。
refused-drill-already = 演练已是这个状态。
refused-no-check = 没有功能核查 { $check }。
refused-no-quantity = 此台架不测“{ $name }”。
refused-measured = “{ $name }”由 { $instrument } 读取，不能录入。
refused-not-a-value = “{ $name }”的“{ $text }”不是可用的值：{ $why }
