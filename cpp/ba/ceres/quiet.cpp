// SPDX-License-Identifier: Apache-2.0
#include "ba/ceres/quiet.h"

#include <glog/logging.h>

#include <mutex>
#include <utility>

namespace fastcv::ba {
namespace {

std::mutex g_mutex;
int g_scopes = 0, g_threshold = 0;

}  // namespace

Quiet::Quiet() {
  const std::lock_guard lock(g_mutex);
  if (g_scopes++ == 0) g_threshold = std::exchange(FLAGS_minloglevel, google::GLOG_FATAL);
}

Quiet::~Quiet() {
  const std::lock_guard lock(g_mutex);
  if (--g_scopes == 0) FLAGS_minloglevel = g_threshold;
}

}  // namespace fastcv::ba
