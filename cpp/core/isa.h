// SPDX-License-Identifier: Apache-2.0
// The instruction set in use: the best that the processor has, or less where the environment's FASTCV_ISA says so.
#pragma once

namespace fastcv {

enum class Isa { v2 = 2, v3 = 3, v4 = 4 };  // x86-64-v2 (SSE4), -v3 (AVX2 + FMA), -v4 (AVX-512)

// Throws std::invalid_argument where FASTCV_ISA is set to something else than v2, v3 or v4.
Isa active_isa();
const char* isa_name(Isa isa);

}  // namespace fastcv
