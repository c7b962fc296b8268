### 判定过程的逐步说明，以及 screen 与 limits 命令的输出。数值已带单位。

step-method = 判定规则：{ $decision }；比较方法：{ $compare }
step-counting = 计数与本底比较
step-absence = 不得存在：值须为零
step-ordinal = 级别按顺序比较
step-classing = 修约后查等级
step-age = 申报日期与检测日比较
step-applies = 适用：{ $fact } = { $declared }
step-other-case = 不适用：{ $fact } = { $declared }，本行针对 { $wanted }
step-not-declared = 未申报 { $fact }
step-not-named = 表中没有一行列出 { $fact } = { $declared }
step-other-value = 不适用：{ $parameter } 为 { $value }，本行针对 { $limit }
step-not-measured = { $parameter } 未检测
step-ambiguous = { $parameter } 有多个不同的值，无法确定取哪一个
step-no-value = 没有测得值：{ $missing }
step-value = 测得值 { $value }（{ $instrument }）
step-not-decisive = 测得值不能用于判定：{ $quality }
step-noted = 注意：{ $quality }
step-foreign-unit = { $found } 不是 { $wanted } 所属量的单位
step-converted = 换算：{ $from } → { $to }（{ $factor }）
step-declared-converted = 申报值换算：{ $from } → { $to }（{ $factor }）
step-bad-declaration = 申报的 { $fact }“{ $declared }”无法使用
step-foreign-declaration = 申报的 { $fact }“{ $declared }”不能换算为 { $wanted }
step-basis = { $from } → { $to }，水分 { $moisture } %：{ $value }
step-no-basis = 限值以{ $wanted }计：{ $lack }
step-net = 扣除本底后 { $net }
step-deviation = 与申报值之差 { $deviation }
step-sum = 合计：{ $terms }
step-sum-lacking = 部分合计：{ $terms }；缺 { $lacking }
step-load = 载荷 { $load } 为 { $intervals } e，e = { $interval }
step-beyond = 本行不覆盖 { $what }
step-rounded = 修约一次：{ $from } → { $to }
step-uncertainty = 扩展不确定度 U = { $uncertainty }（k = 2）
step-no-uncertainty = 没有可用的不确定度
step-guard = 保护带 w = { $z } u = { $width }
step-probability = 合格概率 { $probability }（U = { $uncertainty }，k = 2）
step-no-grade = { $value } 不是级别（1、1-2 … 5）
step-class = 等级 { $found }
step-poisson = 本底计数低：按泊松分布取 { $k } σ 的单侧概率
step-days = { $fact } { $date }，检测日前 { $days } 天
step-derived = 取值方式：{ $derivation }（{ $instrument }）
step-not-loaded = 没有载入限值表 { $table }
step-not-in-force = 限值表 { $table } 在 { $at } 没有有效版本
step-two-editions = 限值表 { $table } 有两个版本同在 { $day } 生效
step-no-row = 表中没有 { $parameter } 这一项
step-between = 没有一行同时适用于全部申报内容

decision-simple = 简单接受
decision-guarded = 带保护带（合格或不合格）
decision-non-binary = 非二元（ILAC-G8）
decision-jjf-1094 = JJF 1094
compare-full = 全数值比较法
compare-rounded = 修约值比较法
basis-as-received = 收到基
basis-dry = 干基
lack-no-basis = 测得值没有注明基准
lack-calorific = 发热量不能仅按质量换算
lack-no-moisture = 未检测水分
lack-moisture-basis = 水分没有注明为收到基
lack-moisture-range = 水分值不是质量分数

fact-axles = 轴数
fact-category = 类别
fact-consignee = 收货人
fact-drive-axle = 驱动轴
fact-goods = 货物
fact-hs-code = 商品编码
fact-mass = 申报质量
fact-origin = 原产地
fact-risk = 风险类别
fact-scrap = 废料
fact-vehicle = 车型

force-mandatory = 强制性
force-recommended = 推荐性
force-voluntary = 自愿性
force-guide = 指南
force-site = 现场自定

instrument-typed = 手工输入

screen-table = { $title }（{ $table }，{ $edition } 版，{ $force }，自 { $from } 起施行）
screen-replay = 按 { $at } 的检测日判定
screen-unit-taken = { $parameter }：未写单位，按限值表取 { $unit }
screen-basis-taken = 水分：未写基准，按收到基
screen-limit = 限值 { $limit }
screen-verdict = 结果：{ $verdict }
screen-verdict-why = 结果：{ $verdict }——{ $why }
screen-source = 依据：{ $source }（{ $confidence }）
screen-method = 方法：{ $method }
screen-note = 说明：{ $note }
screen-aside = 不适用的行：{ $rows }
screen-overall = 总判定：{ $verdict }

limits-sound = { $tables } 个限值表、{ $programmes } 个程序，未发现问题
limits-in-force = 现行有效
limits-not-in-force = { $at } 不在有效期内
limits-rows = { $rows } 行
limits-until = 至 { $to }
limits-open = 至今
limits-same = 两者没有差别
limits-added = 新增行 { $row }：{ $limit }
limits-removed = 删除行 { $row }：{ $limit }
limits-changed = 修改 { $row } 的 { $field }：{ $old } → { $new }
