prewatt_room(bench NAME bench_card SOURCES card.cpp USES reader sim sim/card meter/node card/openssl card base
  LIBRARIES prewatt_bench_line prewatt_bench_figures)
