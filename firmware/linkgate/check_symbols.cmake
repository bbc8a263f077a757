# Fails when the linked image holds a symbol that a device must not need. IMAGE, NM, SIZE and HOLDS
# (what it must hold at least) are given; with EXPECT_REFUSAL the image has such symbols planted and the check fails when it does not find them.
execute_process(COMMAND ${NM} -C ${IMAGE} OUTPUT_VARIABLE symbols RESULT_VARIABLE code)
if(NOT code EQUAL 0)
  message(FATAL_ERROR "link gate: ${NM} could not read ${IMAGE}")
endif()
if(NOT HOLDS OR NOT symbols MATCHES "${HOLDS}")
  message(FATAL_ERROR "link gate: the image holds no ${HOLDS}; it proves nothing")
endif()
set(forbidden
  " _?_?(malloc|free|calloc|realloc|_malloc_r|_free_r|_sbrk|_sbrk_r|sbrk)\n"       # a heap
  " operator (new|delete)[^\n]*\n"
  " (__cxa_[a-z_]*|__gxx_personality[a-z_0-9]*|_Unwind_[A-Za-z_]*|std::terminate\\(\\)|__aeabi_unwind[a-z_0-9]*)\n"  # exceptions
  " (typeinfo for [^\n]*|__dynamic_cast)\n"                                        # run-time types
  " _?(time|clock|gettimeofday|_gettimeofday|_gettimeofday_r|clock_gettime|times|_times|localtime|gmtime|mktime)\n"  # a clock
  " (printf|snprintf|_printf_[a-z]*|_vfprintf_r|_svfprintf_r|puts|abort|exit)\n"   # the rest of an operating system
  " (__aeabi_d(add|sub|mul|div)|sqrt|__ieee754_[a-z]*)\n")                         # arithmetic that the FPU has not
set(found "")
foreach(pattern IN LISTS forbidden)
  string(REGEX MATCHALL "${pattern}" hits "${symbols}")
  foreach(hit IN LISTS hits)
    string(STRIP "${hit}" hit)
    list(APPEND found "${hit}")
  endforeach()
endforeach()
if(EXPECT_REFUSAL)
  foreach(wanted "malloc" "operator new" "time" "__aeabi_dmul")
    if(NOT "${found}" MATCHES "${wanted}")
      message(FATAL_ERROR "link gate: a planted '${wanted}' was not found; the gate proves nothing")
    endif()
  endforeach()
  return()
endif()
if(found)
  list(REMOVE_DUPLICATES found)
  string(REPLACE ";" "\n  " found "${found}")
  message(FATAL_ERROR "link gate: the image pulls in what a device must not need:\n  ${found}")
endif()
execute_process(COMMAND ${SIZE} ${IMAGE} OUTPUT_VARIABLE size)
get_filename_component(image ${IMAGE} NAME)
message("link gate: ${image}: no heap, exceptions, run-time types, clock or double arithmetic\n${size}")
