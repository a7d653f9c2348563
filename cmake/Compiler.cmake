# clang 19 or newer, nothing else: g++ 12 destroys some coroutine arguments twice (a "double free" in code that is right), and other
# compilers were never tried. Better no program than one that fails once a week.
if(NOT CMAKE_CXX_COMPILER_ID STREQUAL "Clang" OR CMAKE_CXX_COMPILER_VERSION VERSION_LESS 19)
  message(FATAL_ERROR
    "pawl is built with clang 19 or newer; this is ${CMAKE_CXX_COMPILER_ID} ${CMAKE_CXX_COMPILER_VERSION} (${CMAKE_CXX_COMPILER}).\n"
    "`make build` chooses the right one; by hand: cmake --preset dev. "
    "(g++ 12 is refused on purpose: it destroys some coroutine arguments twice.)")
endif()
