### 判定与处置。判定均为初筛，不是法定检验结论。

verdict-Pass = 合格（初筛）
verdict-ConditionalPass = 临界合格（初筛）
verdict-ConditionalFail = 临界不合格（初筛）
verdict-Fail = 不合格（初筛）
verdict-Inconclusive = 无法判定（初筛）
verdict-NotApplicable = 不适用（初筛）

disposition-clear = 放行
disposition-refer = 转人工查验
disposition-alarm = 报警
disposition-not-valid = 重新检测
disposition-not-recording = 未在记录

# 工作人员下一步做什么
do-clear = 可以通行。
do-refer = 请引导至查验区，由查验人员处理。
do-alarm = 立即拦停，不得继续通行，通知值班领导。
do-alarm-radiation = 立即拦停，人员远离车辆，通知辐射安全负责人或值班领导。
do-not-valid = 本次检测无效，请重新通过检测。
do-not-recording = 请改用纸质流程。

reason-incomplete = 检测未完成
reason-not-measured = 要求的项目未检测
reason-no-value = 没有测得值
reason-quality = 测得值不可用于判定
reason-no-background = 没有可比较的本底
reason-no-declaration = 没有申报信息
reason-not-covered = 申报内容不在限值表覆盖范围内
reason-uncertainty = 缺少测量不确定度，或不确定度过大
reason-unit = 单位无法换算
reason-basis = 基准（干基、收到基）不明或无法换算
reason-no-edition = 限值表没有在检测日有效的版本
reason-arithmetic = 数值超出精确计算范围

alarm-mismatch = 仪器报警与本机复算结果不一致，按较严者处理。
