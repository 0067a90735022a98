# SPDX-License-Identifier: Apache-2.0
# Leaf kernels: one source compiled once per instruction set, each time in a namespace of its own.

# The baseline is called v2; other architectures have no variants yet. Sanitizers look at the source, of which one variant
# is as good as three and takes a third of the time.
if(CMAKE_SYSTEM_PROCESSOR MATCHES "x86_64|AMD64" AND NOT FASTCV_SANITIZE)
  set(FASTCV_ISAS v2 v3 v4)
else()
  set(FASTCV_ISAS v2)
endif()

function(fastcv_leaf_kernels target)
  list(LENGTH FASTCV_ISAS count)
  if(count EQUAL 1)
    target_compile_definitions(${target} PRIVATE FASTCV_BASELINE_ONLY)
  endif()
  foreach(source ${ARGN})
    cmake_path(RELATIVE_PATH source BASE_DIRECTORY ${CMAKE_CURRENT_SOURCE_DIR}/cpp OUTPUT_VARIABLE relative)
    string(REPLACE ".leaf.cpp" "" stem ${relative})
    foreach(isa ${FASTCV_ISAS})
      set(unit ${CMAKE_CURRENT_BINARY_DIR}/leaf/${stem}.${isa}.cpp)
      file(CONFIGURE OUTPUT ${unit} CONTENT "#define FASTCV_ISA isa_${isa}\n#include \"${relative}\"\n")
      set_source_files_properties(${unit} PROPERTIES OBJECT_DEPENDS ${source})
      if(CMAKE_SYSTEM_PROCESSOR MATCHES "x86_64|AMD64")
        set_source_files_properties(${unit} PROPERTIES COMPILE_OPTIONS "-march=x86-64-${isa}")
      endif()
      target_sources(${target} PRIVATE ${unit})
    endforeach()
  endforeach()
  if(NOT FASTCV_SANITIZE)  # sanitizers instrument with weak helpers of their own
    add_custom_command(TARGET ${target} POST_BUILD VERBATIM COMMAND
      ${CMAKE_COMMAND} -DARCHIVE=$<TARGET_FILE:${target}> -DNM=${CMAKE_NM}
      -P ${CMAKE_CURRENT_FUNCTION_LIST_DIR}/CheckLeafSymbols.cmake)
  endif()
endfunction()
