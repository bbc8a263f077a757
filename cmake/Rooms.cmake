# How a room of the house becomes a target.
#
#   prewatt_room(meter/core USES base SOURCES credit.cpp ...)      library prewatt_meter_core
#   prewatt_room_test(meter/core SOURCES credit_test.cpp ...)      GoogleTest executable meter_core_test, in ctest
#
# A room sees only the rooms that it names in USES: each room's headers are published through a folder that holds
# nothing but a link to that room, so including a header of a room that was not named does not compile. The table of
# who may name whom stands in docs/ARCHITECTURE.md; tests/architecture_test.py compares it with what is written here.

set(PREWATT_ROOMS_DIR ${CMAKE_BINARY_DIR}/rooms)
define_property(TARGET PROPERTY PREWATT_PORTABLE BRIEF_DOCS "compiled without exceptions and RTTI" FULL_DOCS "-")

function(_prewatt_room_name out room)
  string(REPLACE "/" "_" name ${room})
  set(${out} ${name} PARENT_SCOPE)
endfunction()

# PORTABLE: part of the device; compiled without exceptions and RTTI on every platform.
function(prewatt_room room)
  cmake_parse_arguments(ARG "PORTABLE" "NAME" "SOURCES;USES;LIBRARIES;PRIVATE_LIBRARIES" ${ARGN})
  _prewatt_room_name(name ${room})
  if(ARG_NAME)
    set(name ${ARG_NAME})
  endif()
  set(target prewatt_${name})
  set(published ${PREWATT_ROOMS_DIR}/${name})
  get_filename_component(parent ${published}/${room} DIRECTORY)
  file(MAKE_DIRECTORY ${parent})
  file(CREATE_LINK ${PROJECT_SOURCE_DIR}/${room} ${published}/${room} SYMBOLIC)

  list(TRANSFORM ARG_SOURCES PREPEND ${PROJECT_SOURCE_DIR}/${room}/)
  if(ARG_SOURCES)
    add_library(${target} STATIC ${ARG_SOURCES})
    set(scope PUBLIC)
  else()
    add_library(${target} INTERFACE)
    set(scope INTERFACE)
  endif()
  target_include_directories(${target} ${scope} ${published})
  foreach(used ${ARG_USES})
    _prewatt_room_name(used_name ${used})
    target_link_libraries(${target} ${scope} prewatt_${used_name})
  endforeach()
  target_link_libraries(${target} ${scope} ${ARG_LIBRARIES})
  if(ARG_SOURCES)
    target_link_libraries(${target} PRIVATE prewatt_warnings ${ARG_PRIVATE_LIBRARIES})
    if(ARG_PORTABLE)
      target_compile_options(${target} PRIVATE -fno-exceptions -fno-rtti)
    endif()
  endif()
endfunction()

# ON_POSTGRES: once more for each test, named NAME.postgres, with PREWATT_DB=postgres and the server that the fixture of
# tests/CMakeLists.txt keeps running for them.
string(MD5 hash ${CMAKE_BINARY_DIR})
string(SUBSTRING ${hash} 0 8 hash)
set(PREWATT_POSTGRES_FOLDER /tmp/prewatt-postgres-${hash})  # short: it holds a unix socket
function(prewatt_room_test room)
  if(NOT PREWATT_TESTS)
    return()
  endif()
  cmake_parse_arguments(ARG "ON_POSTGRES" "NAME" "SOURCES;USES;LIBRARIES;LABELS" ${ARGN})
  _prewatt_room_name(name ${room})
  if(ARG_NAME)
    set(name ${ARG_NAME})
  endif()
  list(TRANSFORM ARG_SOURCES PREPEND ${PROJECT_SOURCE_DIR}/${room}/)
  add_executable(${name}_test ${ARG_SOURCES})
  _prewatt_room_name(own ${room})
  if(TARGET prewatt_${own})
    target_link_libraries(${name}_test PRIVATE prewatt_${own})
  endif()
  foreach(used ${ARG_USES})
    _prewatt_room_name(used_name ${used})
    target_link_libraries(${name}_test PRIVATE prewatt_${used_name})
  endforeach()
  target_link_libraries(${name}_test PRIVATE prewatt_warnings ${ARG_LIBRARIES} GTest::gtest GTest::gtest_main)
  # Only where it is used: a path in the command line keeps the compiler's cache from serving another checkout.
  foreach(source ${ARG_SOURCES})
    file(STRINGS ${source} names_it REGEX PREWATT_SOURCE_DIR LIMIT_COUNT 1)
    if(names_it)
      set_property(SOURCE ${source} APPEND PROPERTY COMPILE_DEFINITIONS PREWATT_SOURCE_DIR="${PROJECT_SOURCE_DIR}")
    endif()
  endforeach()
  gtest_discover_tests(${name}_test DISCOVERY_TIMEOUT 60 PROPERTIES LABELS "${ARG_LABELS}")
  if(ARG_ON_POSTGRES)
    gtest_discover_tests(${name}_test TEST_SUFFIX .postgres TEST_LIST ${name}_postgres DISCOVERY_TIMEOUT 60
      PROPERTIES LABELS "${ARG_LABELS}" FIXTURES_REQUIRED postgres_server
      ENVIRONMENT "PREWATT_DB=postgres;PREWATT_POSTGRES_FOLDER=${PREWATT_POSTGRES_FOLDER}")
  endif()
endfunction()
