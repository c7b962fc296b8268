### Names of what shipped limit tables judge, beside those of the lane. Elements, nuclides and compounds with a
### symbol go by it: Pb, Cs-137, BaP.

# Textiles and cotton.
parameter-fastness-wet-rubbing = 耐湿摩擦色牢度
parameter-phthalate-group = 邻苯二甲酸酯（一组合计）
parameter-flammability-class = 燃烧性能等级
parameter-head-neck-cord = 头颈部绳带
parameter-micronaire = 马克隆值
parameter-moisture-regain = 回潮率

# Weighing.
parameter-scale-error = 示值误差

# Tyres and rubber.
parameter-tread-wear-indicator = 胎面磨耗标志高度
parameter-rolling-resistance = 滚动阻力系数
parameter-wet-grip = 湿地抓着力指数
parameter-pah-8-sum = 8 种多环芳烃总和
parameter-bay-protons = 湾区质子含量

# Coal, bulk cargoes, fuels, flammable liquids.
parameter-ash = 灰分
parameter-sulfur = 硫含量
parameter-net-calorific-value = 低位发热量
parameter-moisture = 水分
parameter-moisture-certificate = 水分证书
parameter-pah = 多环芳烃含量
parameter-flash-point = 闪点
parameter-initial-boiling-point = 初沸点

# Brake linings.
parameter-asbestos = 石棉
parameter-mu-normal = 常态摩擦系数
parameter-mu-hot = 热态摩擦系数
parameter-mu-fade-2 = 第二次衰退试验最低摩擦系数
parameter-mu-recovery-2 = 第二次恢复试验最低摩擦系数
parameter-mu-spread = 摩擦系数与均值的最大偏差
parameter-mu-working = 工作摩擦系数
parameter-mu-1 = 摩擦系数 μ1
parameter-mu-2 = 摩擦系数 μ2
parameter-shear-strength = 剪切强度
parameter-lining-left = 衬片残留率

# Radiation.
parameter-surface-alpha = α 表面污染
parameter-surface-beta = β 表面污染
parameter-natural-activity-index = 天然核素活度比之和
