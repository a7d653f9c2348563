#include "serving/testing.h"
