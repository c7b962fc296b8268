### 检测对象、身份、未完成原因、通过无效原因、报警、项目名称。

incomplete-timed-out = 等待测得值超时
incomplete-drove-off = 车辆提前驶离
incomplete-stopped = 操作员停止
incomplete-interrupted = 系统停止或断电
incomplete-instrument-stopped = 仪器提前结束程序
incomplete-overlap = 前一对象未结束，后一对象已进入

fault-background-high = 伽马本底过高
fault-background-low = 伽马本底过低
fault-neutron-high = 中子本底过高
fault-tamper = 设备防拆报警
fault-over-speed = 通过速度过快
fault-incomplete-window = 测量时间不足
fault-missing-end = 没有收到通过结束信号
fault-lost-occupancy = 漏记了一次通过
fault-scale-unstable = 衡器在规定时间内未稳定
fault-line-down = 线路中断
fault-speed-inconsistent = 速度数据自相矛盾
fault-no-background = 没有测得本底
fault-other = 设备状态“{ $kind }”

alarm-gamma = 伽马报警
alarm-neutron = 中子报警
alarm-over-temperature = 超温报警
alarm-load-deviation = 负荷偏差报警
alarm-speed-deviation = 速度偏差报警
alarm-pressure-loss = 失压报警
alarm-tyre-failure = 轮胎损坏
alarm-door-open = 防护门打开
alarm-sensor-fault = 传感器故障
alarm-drive-fault = 驱动故障
alarm-other = 仪器报警“{ $kind }”
alarm-by-both = { $alarm }（仪器与本机复算一致）
alarm-by-device = { $alarm }（仪器报警）
alarm-by-recomputation = { $alarm }（本机复算）

subject-conveyance = 车辆
subject-container = 集装箱
subject-lot = 货物批
subject-sample = 样品
subject-instrument = 仪器

identity-plate = 车牌
identity-container = 箱号
identity-sample = 样品编号
identity-declaration = 报关单号
source-read = 识读
source-corrected = 已更正
source-manual = 人工录入
source-ambiguous = 存疑
not-identified = 未识别

procedure-lorry-gate = 车辆通道检测
procedure-textile-ph = 纺织品 pH 检测
procedure-tyre-endurance = 轮胎耐久试验
procedure-background-watch = 本底监测

parameter-gross-mass = 总质量
parameter-declared-mass = 质量与申报之差
parameter-dose-rate = 伽马剂量率
parameter-gamma-counts = 伽马计数
parameter-neutron-counts = 中子计数
parameter-ph = pH 值
parameter-formaldehyde = 甲醛含量
parameter-odour = 异味
parameter-azo-amine = 可分解芳香胺
parameter-fastness-water = 耐水色牢度
parameter-fastness-acid-perspiration = 耐酸汗渍色牢度
parameter-fastness-alkaline-perspiration = 耐碱汗渍色牢度
parameter-fastness-dry-rubbing = 耐干摩擦色牢度
parameter-fastness-saliva = 耐唾液色牢度
parameter-speed = 速度
parameter-load = 负荷
parameter-pressure = 气压
parameter-ambient = 环境温度
parameter-stage-duration = 阶段时间

# Steps after an alarm or a referral, and where a finding stands.
step-handheld = 手持复测
step-sample = 取样送检
step-lab-result = 实验室结果
step-hold = 扣留
step-release = 放行
step-return = 退运
step-re-scan = 重新通过
state-screened = 已初筛
state-sample-sent = 已送样
state-lab-confirmed = 实验室确认
state-lab-cleared = 实验室排除
state-held = 已扣留
state-released = 已放行
state-returned = 已退运
state-proposed = 建议发布
state-lift-proposed = 建议解除
notice-tongbao = 通报（监管部门）
notice-tonggao = 通告（企业）
notice-gonggao = 公告（公众）
