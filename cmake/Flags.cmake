# SPDX-License-Identifier: Apache-2.0
# Compiler flags for native code: warnings as errors, the baseline instruction set, sanitizers.

# Floating point contraction is decided per source, never by the compiler's default: decisions (a tie, in or out)
# must come out alike on every instruction set and on a GPU, so code is built without it unless a leaf asks for it.
# Nobody reads errno or the exception flags of arithmetic; keeping them in order would keep loops with a choice (a ? b : c)
# from being vectorised. No result changes.
function(fastcv_kernel_flags target)
  target_compile_options(${target} PRIVATE -Wall -Wextra -Wshadow ${FASTCV_WERROR} -ffp-contract=off -fno-math-errno
                         -fno-trapping-math)
  if(CMAKE_SYSTEM_PROCESSOR MATCHES "x86_64|AMD64")
    target_compile_options(${target} PRIVATE -march=x86-64-v2)
  endif()
endfunction()

# Instrumented code makes GCC warn of things that are not so (its bug 105593 among them), so only plain builds hold
# warnings for errors. -O1, which comes after the build type's own level, halves the time to compile. Checks that stand
# at every access to memory take another third of it: the address sanitizer finds null pointers and what lies outside of
# an object, x86 and arm64 read at any alignment.
set(FASTCV_WERROR -Werror)
if(FASTCV_SANITIZE)
  set(FASTCV_WERROR "")
  add_compile_options(-fsanitize=${FASTCV_SANITIZE} -fno-sanitize=null,alignment,object-size,pointer-overflow,vptr
                      -fno-sanitize-recover=undefined -fno-omit-frame-pointer -g1 -O1)
  add_link_options(-fsanitize=${FASTCV_SANITIZE})
endif()
