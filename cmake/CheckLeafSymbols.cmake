# SPDX-License-Identifier: Apache-2.0
# Fails the build when a leaf object defines a symbol outside its own isa_* namespace: the linker would keep one copy
# of such a symbol, and old processors would crash in it or new ones run slow code.
execute_process(COMMAND ${NM} --defined-only --extern-only -A -C ${ARCHIVE} OUTPUT_VARIABLE symbols
                COMMAND_ERROR_IS_FATAL ANY)
string(REPLACE "\n" ";" symbols "${symbols}")
foreach(line IN LISTS symbols)
  if(line MATCHES "\\.(v[234])\\.cpp\\.o:[0-9a-f ]* [A-Za-z] (.*)$")
    if(NOT CMAKE_MATCH_2 MATCHES "fastcv::isa_${CMAKE_MATCH_1}::")
      message(SEND_ERROR "leaf kernel defines a shared symbol: ${line}")
    endif()
  endif()
endforeach()
