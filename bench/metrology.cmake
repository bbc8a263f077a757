prewatt_room(bench NAME bench_metrology SOURCES metrology.cpp USES meter/node meter/metrology meter protocols/interlink settings base LIBRARIES prewatt_bench_figures)
prewatt_room_test(bench NAME bench_metrology SOURCES metrology_test.cpp LIBRARIES prewatt_bench_metrology)
