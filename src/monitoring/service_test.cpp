#include "monitoring/service.h"
