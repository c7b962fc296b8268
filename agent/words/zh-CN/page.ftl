### 页面：标题、表单，以及 lane.ftl 固定句子周围的文字。

page-overview = 全部位置
page-statistics = 统计
page-skip = 跳到正文
page-ways = 页面
page-operator = 操作员
