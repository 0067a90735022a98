// SPDX-License-Identifier: Apache-2.0
// Detection of the instruction set, once per process.
#include "core/isa.h"

#include <cstdlib>
#include <stdexcept>
#include <string>
#include <string_view>

namespace fastcv {
namespace {

Isa best_supported() {
#if defined(__x86_64__)
  __builtin_cpu_init();
  if (__builtin_cpu_supports("x86-64-v4")) return Isa::v4;
  if (__builtin_cpu_supports("x86-64-v3")) return Isa::v3;
#endif
  return Isa::v2;
}

Isa detect() {
  const Isa best = best_supported();
  const char* setting = std::getenv("FASTCV_ISA");
  if (setting == nullptr) return best;
  for (const Isa isa : {Isa::v2, Isa::v3, Isa::v4}) {
    if (std::string_view(setting) == isa_name(isa)) return isa < best ? isa : best;
  }
  throw std::invalid_argument("FASTCV_ISA: expected v2, v3 or v4, got " + std::string(setting));
}

}  // namespace

Isa active_isa() {
  static const Isa isa = detect();
  return isa;
}

const char* isa_name(Isa isa) {
  switch (isa) {
    case Isa::v4:
      return "v4";
    case Isa::v3:
      return "v3";
    default:
      return "v2";
  }
}

}  // namespace fastcv
