# SPDX-License-Identifier: Apache-2.0
# Compiler flags for native code: warnings as errors, the baseline instruction set, sanitizers.

# Floating point contraction is decided per source, never by the compiler's default: decisions (a tie, in or out)
# must come out alike on every instruction set and on a GPU, so code is built without it unless a leaf asks for it.
# Nobody reads errno or the exception flags of arithmetic; keeping them in order would keep loops with a choice (a ? b : c)
# from being vectorised. No result changes.
function(fastcv_kernel_flags target)
  target_compile_options(${target} PRIVATE -Wall -Wextra -Wshadow -Werror -ffp-contract=off -fno-math-errno
                         -fno-trapping-math)
  if(CMAKE_SYSTEM_PROCESSOR MATCHES "x86_64|AMD64")
    target_compile_options(${target} PRIVATE -march=x86-64-v2)
  endif()
endfunction()

if(FASTCV_SANITIZE)
  add_compile_options(-fsanitize=${FASTCV_SANITIZE} -fno-sanitize-recover=undefined -fno-omit-frame-pointer -g)
  add_link_options(-fsanitize=${FASTCV_SANITIZE})
endif()
