### The pages: headings, forms, what stands around the fixed sentences of lane.ftl.

page-overview = All places
page-statistics = Statistics
page-skip = To the content
page-ways = Pages
page-operator = Operator
