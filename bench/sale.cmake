prewatt_room(bench NAME bench_sale SOURCES sale.cpp USES server/app server/domain base LIBRARIES prewatt_bench_figures)
