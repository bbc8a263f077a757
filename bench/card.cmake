prewatt_room(bench NAME bench_card SOURCES card.cpp card_at_desk.cpp
  USES reader sim sim/card meter/node card/desk card/openssl card server/desk server/store server/domain base
  LIBRARIES prewatt_bench_line prewatt_bench_figures)
# The way between desk and office without wires is that of tests/desk.
target_include_directories(prewatt_bench_card PRIVATE ${PROJECT_SOURCE_DIR})
