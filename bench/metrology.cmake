prewatt_room(bench NAME bench_metrology SOURCES metrology.cpp USES meter/metrology meter base LIBRARIES prewatt_bench_figures)
